# function
from itertools import accumulate, chain, combinations, cycle, groupby, islice, permutations, product, takewhile, zip_longest

print(list(accumulate([1, 2, 3, 4], max)), list(islice(cycle("ab"), 5)))
print([(key, len(list(group))) for key, group in groupby("aaabccd")])
print(len(list(permutations(range(5)))), list(combinations("abc", 2)), list(product([0, 1], repeat=2)))
print(list(zip_longest("ab", "c", fillvalue="-")), list(chain.from_iterable([[1], [2, 3]])), list(takewhile(lambda n: n < 3, range(9))))
