# F2, N6: what is open at the start: only the run's own pipes, no directory, no socket; and the working directory is the private one.
import os
import stat
if _query:
    held = os.open("/", os.O_RDONLY)
kinds = {}
for name in os.listdir("/proc/self/fd"):
    try:
        mode = os.fstat(int(name)).st_mode
    except OSError:
        continue  # the descriptor of the listing itself
    kinds[name] = "pipe" if stat.S_ISFIFO(mode) else "device" if stat.S_ISCHR(mode) else "directory" if stat.S_ISDIR(mode) else "other"
return {"kinds": kinds, "cwd": os.getcwd()}
