# Y14, O12: exceptions whose text is huge, raises, or is no text; and a traceback without end.
class Bomb(Exception):
    def __str__(self):
        return {"huge": lambda: "x" * (64 << 20), "raises": lambda: 1 / 0, "number": lambda: 7, "plain": lambda: "plain"}[_query]()
    __repr__ = __str__
def down(n):
    if n == 0:
        raise RecursionError("bottom")
    try:
        down(n - 1)
    except RecursionError as error:
        raise RecursionError("again") from error
if _query == "deep":
    down(200)
raise Bomb()
