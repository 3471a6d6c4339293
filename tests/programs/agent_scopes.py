counter = 0
seen = []

def bump():
    global counter
    counter += 1
    return [counter for _ in range(2)]

def outer():
    total = 0
    def inner(n):
        nonlocal total
        total += n
        seen.append(total)
        return total
    return inner

add = outer()
add(2), add(3)
print(bump(), counter, seen, [y for x in range(3) if (y := x * 2)], "y" in globals(), sorted(vars())[0][:2])
del counter
try:
    bump()
except NameError as error:
    print(error)
