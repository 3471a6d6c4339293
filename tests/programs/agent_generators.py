# function
def counter(start):
    total = start
    while True:
        given = yield total
        if given is None:
            return "stopped at %d" % total
        total += given

def outer():
    result = yield from counter(10)
    print(result)
    yield "last"

numbers = outer()
print(next(numbers), numbers.send(5), numbers.send(1), next(numbers))
squares = (n * n for n in range(4))
print(sum(squares), list(squares), [*range(3), *"ab"], {**{"a": 1}, "b": 2})
