# Y12: the C stack, a null pointer, or a code object that is none.
import ctypes, sys
if _query == "stack":
    sys.setrecursionlimit(10 ** 9)
    def down(n):
        return [*map(down, (n,))]
    down(0)
elif _query == "pointer":
    ctypes.string_at(0)
elif _query == "code":
    import types
    code = compile("0", "x", "eval")
    eval(code.replace(co_code=b"\x64\xff" * 64, co_consts=(), co_stacksize=1))
return "alive"
