import multiprocessing
import os
from concurrent.futures import ProcessPoolExecutor

def collatz(n):
    steps = 0
    while n != 1:
        n, steps = (n // 2 if n % 2 == 0 else 3 * n + 1), steps + 1
    return steps

if __name__ == "__main__":
    with ProcessPoolExecutor(max_workers=2) as pool:
        print(list(pool.map(collatz, range(1, 10), chunksize=3)))
    with multiprocessing.Pool(2) as pool:
        print(pool.starmap(pow, [(2, 3), (3, 2)]), pool.apply_async(os.getpid).get() != os.getpid())
