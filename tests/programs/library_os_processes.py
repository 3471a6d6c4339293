import os
import signal
import sys
import time

def child(function):
    pid = os.fork()
    if pid == 0:
        try:
            os._exit(function() or 0)
        finally:
            os._exit(99)
    return os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])

print(child(lambda: 7), child(lambda: os.kill(os.getpid(), signal.SIGKILL)), child(lambda: os.abort()))
print(child(lambda: os.execv(sys.executable, [sys.executable, "-c", "raise SystemExit(4)"])))
print(os.spawnv(os.P_WAIT, sys.executable, [sys.executable, "-c", "raise SystemExit(6)"]))
pid = os.posix_spawn(sys.executable, [sys.executable, "-c", "pass"], os.environ)
print(os.waitpid(pid, 0)[1], os.getpgid(0) >= 0, os.getsid(0) >= 0)
pid = os.fork()
if pid == 0:
    time.sleep(60)
    os._exit(0)
os.kill(pid, signal.SIGTERM)
print(os.wait()[1], os.times().user >= 0)
try:
    os.waitpid(-1, 0)
except ChildProcessError as error:
    print(error.errno)
print(child(lambda: os.setsid() and 0), os.sched_yield())
