# 9.8: ends while it has a lock on a file of memory.
import fcntl, os
fd = os.memfd_create("held")
for _ in range(256):
    os.write(fd, bytes(1 << 16))
fcntl.flock(fd, fcntl.LOCK_EX)
return os.fstat(fd).st_size
