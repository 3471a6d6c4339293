# errors: vary
import atexit
import os

atexit.register(print, "after the failing one")
@atexit.register
def fails():
    raise ValueError("at exit")
print("end")
