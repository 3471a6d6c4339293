# R1, R4: anonymous memory, touched page by page, in MiB.
import mmap
held = []
while _query is None or len(held) * 4 < _query:
    block = mmap.mmap(-1, 4 << 20)
    for page in range(0, 4 << 20, 4096):
        block[page] = 1
    held.append(block)
return len(held) * 4
