# differs: `__import__` asks the policy's import lists first, where they are not all free
import types

print(isinstance(__builtins__.__import__, types.BuiltinFunctionType), __import__("os.path").getcwd is not None)
