# P11: a flood of processes that nobody waits for: as orphans init must reap them, as own children they fill the process table.
import os
for _ in range(_query["count"]):
    child = os.fork()
    if child == 0:
        if _query["orphans"] and os.fork():
            os._exit(7)
        os._exit(9)
    if _query["orphans"]:
        os.waitpid(child, 0)
return _query["count"]
