# function
import bisect
import heapq
import random

random.seed(7)
numbers = [random.randrange(1000) for _ in range(20)]
heap = numbers[:]
heapq.heapify(heap)
print([heapq.heappop(heap) for _ in range(5)], heapq.nlargest(2, numbers), heapq.nsmallest(1, numbers, key=lambda n: -n))
ordered = sorted(numbers)
print(bisect.bisect_left(ordered, 500), random.sample(range(50), 4), random.choice("abc"), round(random.gauss(0, 1), 6))
print(random.Random(1).shuffle(numbers), numbers[:3], random.choices([1, 2], [9, 1], k=5))
