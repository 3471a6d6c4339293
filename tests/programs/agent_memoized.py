# function
import functools
import operator

@functools.lru_cache(maxsize=None)
def ways(n):
    return 1 if n < 2 else ways(n - 1) + ways(n - 2)

print(ways(300), ways.cache_info().misses)
print(functools.reduce(operator.mul, range(1, 21)), functools.partial(pow, 2)(10))

@functools.singledispatch
def show(value):
    return "other"

@show.register
def _(value: int):
    return "int"

@show.register(list)
def _(value):
    return "list"

print(show(3), show([]), show(None), show(True))
