# R7: descriptors until the limit, in pipes, whose buffers cost the kernel memory.
import errno, os
held = []
try:
    while len(held) < _query:
        held.append(os.open("/dev/null", os.O_RDONLY))
except OSError as error:
    return {"refused": errno.errorcode[error.errno], "at": held[-1] + 1}
return {"refused": None}
