import functools
import operator

@functools.total_ordering
class Version:
    def __init__(self, text):
        self.parts = tuple(map(int, text.split(".")))

    def __eq__(self, other):
        return self.parts == other.parts

    def __lt__(self, other):
        return self.parts < other.parts

    def __hash__(self):
        return hash(self.parts)

print(Version("1.10") > Version("1.9"), max(map(Version, ["1.2", "1.12"]), key=operator.attrgetter("parts")).parts)
print(sorted("bA a".split(), key=str.lower), operator.itemgetter(1, 0)("ab"), functools.cmp_to_key(lambda a, b: b - a)(3) < functools.cmp_to_key(lambda a, b: b - a)(2))
