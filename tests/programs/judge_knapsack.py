n, limit = map(int, input().split())
best = [0] * (limit + 1)
for _ in range(n):
    weight, value = map(int, input().split())
    for room in range(limit, weight - 1, -1):
        best[room] = max(best[room], best[room - weight] + value)
print(best[limit])
