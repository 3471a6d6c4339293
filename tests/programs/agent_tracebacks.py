import traceback

def outer():
    inner({"depth": 1})

def inner(given):
    raise LookupError(f"no {given}") from KeyError("cause")

try:
    outer()
except LookupError as error:
    text = traceback.format_exc()
    print(text.replace(__file__, "FILE"))
    print([frame.name for frame in traceback.extract_tb(error.__traceback__)], traceback.format_exception_only(type(error), error))
    print(traceback.extract_tb(error.__traceback__)[-1].line)
