import atexit
import sys

atexit.register(print, "at exit")
try:
    raise SystemExit(300)
except SystemExit as leaving:
    print(leaving.code)
sys.exit(300)
