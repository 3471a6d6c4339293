import sys

def hook(kind, value, trace):
    print("hooked", kind.__name__, value, trace.tb_lineno)

sys.excepthook = hook
raise OSError(5, "by hand")
