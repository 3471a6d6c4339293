# P1: processes without end. With a number: that many, which then leave.
import os, signal, time
if _query is None:
    while True:
        os.fork()
children = []
for _ in range(_query):
    child = os.fork()
    if child == 0:
        signal.pause()
        os._exit(0)
    children.append(child)
for child in children:
    os.kill(child, signal.SIGKILL)
    os.waitpid(child, 0)
return len(children)
