# O4: values that JSON has no way to say, each alone.
import math
cycle = []
cycle.append(cycle)
values = {"nan": math.nan, "infinity": math.inf, "huge": 10 ** 5000, "surrogate": "\ud800", "cycle": cycle, "set": {1}, "bytes": b"x", "key": {(1, 2): 3}}
return values[_query]
