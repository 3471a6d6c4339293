# function
from concurrent.futures import ThreadPoolExecutor, as_completed

def half(n):
    if n % 2:
        raise ValueError(f"{n} is odd")
    return n // 2

with ThreadPoolExecutor(max_workers=4) as pool:
    futures = {pool.submit(half, n): n for n in range(6)}
    seen = {}
    for future in as_completed(futures):
        seen[futures[future]] = future.exception() or future.result()
for n, what in sorted(seen.items()):
    print(n, what)
