def first():
    raise KeyError("first")

def second():
    try:
        first()
    except KeyError:
        raise ValueError("second") from None

try:
    second()
except ValueError as error:
    print(error.__cause__, error.__suppress_context__, type(error.__context__).__name__)
second()
