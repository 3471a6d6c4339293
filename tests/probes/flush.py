# 9.10: every way to have the host's disk flushed, by what cannot be flushed: who answers "ok" was not asked.
import errno, mmap, os
# needs: native
pipe = os.pipe()[0]
page = mmap.mmap(-1, mmap.PAGESIZE)
address = 4096 * 7  # nothing is there
return {
    "fsync": syscall("fsync", pipe), "fdatasync": syscall("fdatasync", pipe), "sync_file_range": syscall("sync_file_range", pipe, 0, 0, 2),
    "msync": syscall("msync", address, 4096, 4), "syncfs": syscall("syncfs", -1),
}
