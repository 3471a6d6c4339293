with open("old_module.py", "w") as out:
    out.write("import warnings\nwarnings.warn('use the new one', DeprecationWarning, stacklevel=2)\n")
import old_module

try:
    __import__(1, 2, 3, 4)
except TypeError as error:
    print("refused")
