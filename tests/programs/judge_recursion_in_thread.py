import sys
import threading

sys.setrecursionlimit(1 << 25)
threading.stack_size(64 * 1024 * 1024)

def solve():
    n = int(input())
    def visit(node):
        return 1 if node >= n else 1 + visit(node + 1)
    print(visit(0))

thread = threading.Thread(target=solve)
thread.start()
thread.join()
