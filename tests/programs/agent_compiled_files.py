import compileall
import importlib.util
import os
import py_compile

with open("part.py", "w") as out:
    out.write("print('imported')\n")
print(os.path.exists(py_compile.compile("part.py")), compileall.compile_file("part.py", quiet=1))
spec = importlib.util.spec_from_file_location("renamed", "part.py")
spec.loader.exec_module(importlib.util.module_from_spec(spec))
