# R1, R4: anonymous memory, touched page by page, in MiB; shared or private.
import mmap
held = []
while _query["mib"] is None or len(held) * 4 < _query["mib"]:
    block = mmap.mmap(-1, 4 << 20, flags=mmap.MAP_ANONYMOUS | (mmap.MAP_SHARED if _query["shared"] else mmap.MAP_PRIVATE))
    for page in range(0, 4 << 20, 4096):
        block[page] = 1
    held.append(block)
return len(held) * 4
