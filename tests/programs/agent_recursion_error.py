# function
import sys

def down(n):
    return down(n + 1) + 1

try:
    down(0)
except RecursionError as error:
    print(str(error).split(" in ")[0].split(" while")[0])
print(sys.getrecursionlimit())
