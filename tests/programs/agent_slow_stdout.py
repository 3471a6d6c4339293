import sys
import time

for n in range(3):
    print(n, end=" ", flush=True)
    time.sleep(0.01)
print(file=sys.stdout)
sys.stdout.writelines(["a\n", "b\n"])
