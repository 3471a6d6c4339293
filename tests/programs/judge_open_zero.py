import os

n, *rows = open(0).read().splitlines()
print(int(n), [sum(map(int, row)) for row in rows], os.fstat(0).st_size >= 0)
