import inspect
import textwrap

def area(width, height=2, *, unit: str = "m") -> str:
    """Width times height."""
    # a comment that is kept
    return f"{width * height}{unit}"

class Shape:
    def name(self):
        return "shape"

print(inspect.getsource(area), end="")
print(inspect.getsource(Shape.name), end="")
print(textwrap.dedent(inspect.getsource(Shape)).count("\n"), inspect.signature(area), inspect.getdoc(area))
print(inspect.getsourcelines(area)[1], inspect.getmodule(area).__name__, inspect.currentframe().f_lineno)
print(inspect.getfile(Shape).endswith(".py"), inspect.stack()[0].function)
