# function
import subprocess
import sys

done = subprocess.run([sys.executable, "-c", "import sys; print(sys.stdin.read().upper()); sys.exit(3)"], input="hello", capture_output=True, text=True)
print(done.returncode, done.stdout.strip(), done.stderr)
try:
    subprocess.run([sys.executable, "-c", "import time; time.sleep(30)"], timeout=0.2)
except subprocess.TimeoutExpired:
    print("too long")
try:
    subprocess.check_output([sys.executable, "-c", "raise SystemExit(7)"])
except subprocess.CalledProcessError as error:
    print(error.returncode)
with subprocess.Popen([sys.executable, "-u", "-c", "for n in range(3): print(n)"], stdout=subprocess.PIPE) as child:
    print([line.strip() for line in child.stdout])
