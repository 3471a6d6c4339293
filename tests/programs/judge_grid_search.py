from collections import deque

h, w = map(int, input().split())
grid = [input() for _ in range(h)]
start = next((r, c) for r in range(h) for c in range(w) if grid[r][c] == "S")
seen, queue = {start: 0}, deque([start])
while queue:
    r, c = queue.popleft()
    if grid[r][c] == "G":
        print(seen[r, c])
        break
    for nr, nc in ((r + 1, c), (r - 1, c), (r, c + 1), (r, c - 1)):
        if 0 <= nr < h and 0 <= nc < w and grid[nr][nc] != "#" and (nr, nc) not in seen:
            seen[nr, nc] = seen[r, c] + 1
            queue.append((nr, nc))
else:
    print("impossible")
