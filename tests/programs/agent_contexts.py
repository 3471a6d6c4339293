# function
import contextlib
import contextvars
import io

@contextlib.contextmanager
def tag(name):
    print(f"<{name}>")
    try:
        yield name
    finally:
        print(f"</{name}>")

with tag("a"), contextlib.suppress(ZeroDivisionError):
    1 / 0
with contextlib.ExitStack() as stack:
    for name in "xy":
        stack.enter_context(tag(name))
caught = io.StringIO()
with contextlib.redirect_stdout(caught):
    print("inside")
print(repr(caught.getvalue()))
var = contextvars.ContextVar("var", default=1)
print(contextvars.copy_context().run(lambda: (var.set(2), var.get())[1]), var.get())
