import collections
totals = {"a": 1}
print(total["a"])
