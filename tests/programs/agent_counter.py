# function
from collections import ChainMap, Counter, OrderedDict, deque, namedtuple

words = "the quick brown fox jumps over the lazy dog the end".split()
print(Counter(words).most_common(2), sum((Counter("ab"), Counter("bc")), Counter()))
ring = deque(range(5), maxlen=3)
ring.rotate(1)
print(ring, ChainMap({"a": 1}, {"a": 2, "b": 3})["b"])
Point = namedtuple("Point", "x y", defaults=[0])
print(Point(1)._replace(y=5), OrderedDict(a=1, b=2).popitem(last=False))
