import sys

class Bad:
    def __del__(self):
        raise ValueError("in a finalizer")

sys.unraisablehook = lambda given: print("hook", type(given.exc_value).__name__)
Bad()
del sys.unraisablehook
sys.unraisablehook = sys.__unraisablehook__
