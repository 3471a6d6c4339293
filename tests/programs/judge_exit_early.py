import sys

n = int(input())
if n < 0:
    print("IMPOSSIBLE")
    sys.exit()
    print("never")
print(n)
