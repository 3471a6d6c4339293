# 9.e: memory that the kernel is asked to swap out as soon as it is touched, private or shared, in MiB.
import ctypes, mmap
libc = ctypes.CDLL(None, use_errno=True)
COLD, PAGEOUT = 20, 21
held = []
while _query["mib"] is None or len(held) * 4 < _query["mib"]:
    block = mmap.mmap(-1, 4 << 20, flags=mmap.MAP_ANONYMOUS | (mmap.MAP_SHARED if _query["shared"] else mmap.MAP_PRIVATE))
    for page in range(0, 4 << 20, 4096):
        block[page] = 1
    address = ctypes.addressof(ctypes.c_char.from_buffer(block))
    for advice in (PAGEOUT, COLD):
        libc.madvise(ctypes.c_void_p(address), ctypes.c_size_t(4 << 20), advice)
    held.append(block)
return len(held) * 4
