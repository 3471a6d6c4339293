import inspect
import types

for name in ("print", "open", "len", "input", "exec", "eval", "isinstance", "id"):
    thing = getattr(__builtins__, name)
    print(name, isinstance(thing, types.BuiltinFunctionType), thing.__module__)
print(inspect.signature(print).parameters["sep"].default == " " if "sep" in inspect.signature(print).parameters else True)
