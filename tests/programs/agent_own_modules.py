import importlib
import os
import sys

with open("helper.py", "w") as out:
    out.write("'''Made by the program.'''\nVALUE = 42\ndef who():\n    return __name__\n")
os.mkdir("package")
for name, text in (("__init__", "from .part import X"), ("part", "X = 'deep'"), ("__main__", "print('run as', __name__)")):
    with open(f"package/{name}.py", "w") as out:
        out.write(text + "\n")
importlib.invalidate_caches()
import helper
import package
print(helper.VALUE, helper.who(), helper.__doc__, package.X, os.path.basename(helper.__file__))
import runpy
runpy.run_module("package", run_name="__main__")
print(runpy.run_path("helper.py")["VALUE"], "helper" in sys.modules)
import subprocess
print(subprocess.run([sys.executable, "-m", "package"], capture_output=True, text=True).stdout.strip())
print(subprocess.run([sys.executable, "-c", "import helper; print(helper.VALUE)"], capture_output=True, text=True).stdout.strip())
