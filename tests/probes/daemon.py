# P3, P10: a daemon by double fork and a session of its own, without a parent-death signal, named so that it can be found from outside.
# needs: native
import time
if os.fork() == 0:
    os.setsid()
    syscall("prctl", 1, 0, 0, 0, 0)
    if os.fork() == 0:
        with open("/proc/self/comm", "w") as name:
            name.write(_query["name"])
        for fd in range(8):
            try:
                os.close(fd)
            except OSError:
                pass
        time.sleep(100000)
    os._exit(0)
os.wait()
while _query["stay"]:
    time.sleep(1)
return "left"
