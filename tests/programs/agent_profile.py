import cProfile
import io
import pstats
import timeit
import tracemalloc

def busy():
    return sum(i * i for i in range(1000))

profile = cProfile.Profile()
profile.runcall(busy)
out = io.StringIO()
pstats.Stats(profile, stream=out).strip_dirs().sort_stats("calls").print_stats(3)
print("function calls" in out.getvalue(), timeit.timeit(busy, number=3) > 0)
tracemalloc.start()
kept = [bytes(1000) for _ in range(100)]
print(tracemalloc.get_traced_memory()[1] > 100_000, tracemalloc.take_snapshot().statistics("lineno")[0].count > 0)
