# R9: CPU time of short-lived processes that are never waited for, while the parent sleeps.
import os, signal, time
signal.signal(signal.SIGCHLD, signal.SIG_IGN)
count = 0
while _query is None or count < _query:
    if os.fork() == 0:
        until = time.process_time() + 0.05
        while time.process_time() < until:
            pass
        os._exit(0)
    count += 1
    time.sleep(0.02)
return count
