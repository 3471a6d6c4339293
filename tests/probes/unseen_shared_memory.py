# 9.28: shared memory that was touched and is then in nobody's resident memory, in MiB: taken out of the page tables, or unmapped but for one page.
import ctypes, mmap, time
libc = ctypes.CDLL(None, use_errno=True)
held = []
for _ in range(_query["mib"] // 4):
    address = libc.mmap
    address.restype = ctypes.c_void_p
    start = address(None, ctypes.c_size_t(4 << 20), 3, mmap.MAP_SHARED | mmap.MAP_ANONYMOUS, -1, ctypes.c_long(0))
    if start == 2**64 - 1:
        raise MemoryError(ctypes.get_errno())
    ctypes.memset(start, 1, 4 << 20)
    if _query["by"] == "advice":
        libc.madvise(ctypes.c_void_p(start), ctypes.c_size_t(4 << 20), 4)
    else:
        libc.munmap(ctypes.c_void_p(start + 4096), ctypes.c_size_t((4 << 20) - 4096))
    held.append(start)
time.sleep(0.3)
return len(held) * 4
