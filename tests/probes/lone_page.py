# 9.9: drops a file that everybody shares from the page cache and reads a page of it, which is charged to this run's memory cgroup.
import os
f = os.open(os.path.dirname(os.__file__) + "/" + _query, os.O_RDONLY)
try:
    os.posix_fadvise(f, 0, 0, os.POSIX_FADV_RANDOM)
    os.posix_fadvise(f, 0, 0, os.POSIX_FADV_DONTNEED)
except OSError:
    pass # refused: then the page is charged to this run only if nobody had read it
for _ in range(3):
    os.pread(f, 4096, 0) # more than once, so that a host that is short of memory keeps it
return len(os.pread(f, 4096, 0))
