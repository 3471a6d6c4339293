from functools import cache
from itertools import permutations
from math import factorial

@cache
def derangements(n):
    return 1 if n == 0 else 0 if n == 1 else (n - 1) * (derangements(n - 1) + derangements(n - 2))

n = int(input())
print(derangements(n), sum(all(i != v for i, v in enumerate(p)) for p in permutations(range(min(n, 7)))), factorial(n))
