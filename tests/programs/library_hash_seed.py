import os
import subprocess
import sys

program = "print(hash('text'), {'a', 'b', 'c'})"
seen = {subprocess.check_output([sys.executable, "-c", program], env={**os.environ, "PYTHONHASHSEED": seed}) for seed in ("1", "1", "2")}
print(len(seen))
