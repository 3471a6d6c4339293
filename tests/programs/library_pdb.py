import bdb
import io
import pdb

out = io.StringIO()
def f(x):
    y = x + 1
    return y
debugger = pdb.Pdb(stdin=io.StringIO("s\ns\np x\nc\n"), stdout=out, nosigint=True, readrc=False)
print(debugger.runcall(f, 4))
print("(Pdb)" in out.getvalue(), "y = x + 1" in out.getvalue())
