# P14: attach to the helper that made the run, while it still could have privilege; and to an own child.
# needs: native
import signal
child = os.fork()
if child == 0:
    signal.pause()
own = syscall("ptrace", 16, child, 0, 0)
os.kill(child, signal.SIGKILL)
return {"init": syscall("ptrace", 16, 1, 0, 0), "child": own}
