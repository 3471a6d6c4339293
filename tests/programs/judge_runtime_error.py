n = int(input())
print([10, 20, 30][n])
