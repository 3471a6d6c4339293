import sys
input = sys.stdin.readline

for case in range(int(input())):
    n, *rest = map(int, input().split())
    print(f"Case #{case + 1}: {n - sum(rest)}")
