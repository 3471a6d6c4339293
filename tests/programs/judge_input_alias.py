import sys
input = sys.stdin.buffer.readline
print(sum(int(input()) for _ in range(int(input()))), input())
