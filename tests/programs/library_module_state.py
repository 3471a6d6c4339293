import sys
import types

made = types.ModuleType("made", "doc")
exec("x = 1", made.__dict__)
sys.modules["made"] = made
import made as again
print(again.x, again.__doc__, type(sys.modules["__main__"]).__name__, sys.modules["__main__"].__dict__ is globals())
print(__builtins__.__name__, isinstance(__builtins__, types.ModuleType), __loader__.__class__.__name__, "__file__" in globals())
import builtins
builtins.shout = lambda text: text.upper()
print(shout("builtin"), type(print).__name__, print.__module__, open.__module__, type(input).__name__)
del builtins.shout
print(sorted(name for name in globals() if name.startswith("__")))
