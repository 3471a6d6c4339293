import os
import subprocess
import sys

os.mkdir("more")
with open("more/extra_module.py", "w") as out:
    out.write("X = 'extra'\n")
environment = {**os.environ, "PYTHONPATH": "more", "PYTHONOPTIMIZE": "1", "PYTHONWARNINGS": "error"}
print(subprocess.check_output([sys.executable, "-c", "import extra_module, sys; print(extra_module.X, sys.flags.optimize, sys.warnoptions)"], env=environment, text=True).strip())
