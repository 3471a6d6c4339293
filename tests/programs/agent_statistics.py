# function
import math
import statistics

data = [2.75, 1.75, 1.25, 0.25, 0.5, 1.25, 3.5]
print(statistics.mean(data), statistics.median(data), statistics.mode(data), round(statistics.stdev(data), 6))
print([round(cut, 4) for cut in statistics.quantiles(data)], statistics.NormalDist(10, 2).cdf(12) > 0.84)
print(math.comb(52, 5), math.isqrt(10**20), math.gcd(84, 36), round(math.hypot(3, 4, 12), 3), math.fsum([0.1] * 10))
