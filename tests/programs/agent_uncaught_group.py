def check(n):
    if n % 2:
        raise ValueError(f"odd: {n}")

def all_of(numbers):
    errors = []
    for n in numbers:
        try:
            check(n)
        except ValueError as error:
            error.add_note(f"while looking at {n}")
            errors.append(error)
    raise ExceptionGroup("some are odd", errors)

try:
    all_of(range(4))
except* KeyError:
    print("not here")
