# P5, R10: a stopped process spends no CPU time. With a helper that wakes it, it goes on.
import os, signal, time
own = os.getpid()
if _query and os.fork() == 0:
    while "State:\tT" not in open(f"/proc/{own}/status").read():
        time.sleep(0.01)
    os.kill(own, signal.SIGCONT)
    os._exit(0)
os.kill(own, signal.SIGSTOP)
return "woken"
