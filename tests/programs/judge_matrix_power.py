MOD = 10**9 + 7

def times(a, b):
    return [[sum(x * y for x, y in zip(row, column)) % MOD for column in zip(*b)] for row in a]

def power(m, n):
    result = [[int(i == j) for j in range(len(m))] for i in range(len(m))]
    while n:
        if n & 1:
            result = times(result, m)
        m, n = times(m, m), n >> 1
    return result

print(power([[1, 1], [1, 0]], int(input()))[0][1])
