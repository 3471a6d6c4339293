import heapq
from collections import defaultdict

n, m = map(int, input().split())
graph = defaultdict(list)
for _ in range(m):
    a, b, w = map(int, input().split())
    graph[a].append((b, w))
    graph[b].append((a, w))
best, heap = {}, [(0, 1)]
while heap:
    cost, node = heapq.heappop(heap)
    if node in best:
        continue
    best[node] = cost
    for other, weight in graph[node]:
        if other not in best:
            heapq.heappush(heap, (cost + weight, other))
print(*(best.get(node, -1) for node in range(1, n + 1)))
