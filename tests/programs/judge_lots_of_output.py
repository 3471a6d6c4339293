import sys

n = int(input())
sys.stdout.write("\n".join(str(i * i) for i in range(n)))
sys.stdout.write("\n")
