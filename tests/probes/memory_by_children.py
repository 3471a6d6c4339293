# R1: memory spread over several processes, each of them small, in MiB.
import os, signal
children = []
for _ in range(_query["children"]):
    read, write = os.pipe()
    child = os.fork()
    if child == 0:
        held = bytearray(_query["each"] << 20)
        for page in range(0, len(held), 4096):
            held[page] = 1
        os.write(write, b"1")
        signal.pause()
    os.close(write)
    if os.read(read, 1) != b"1":
        raise MemoryError("a child was killed")
    children.append(child)
for child in children:
    os.kill(child, signal.SIGKILL)
    os.waitpid(child, 0)
return len(children)
