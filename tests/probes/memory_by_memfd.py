# R2: memory that no address space counts: files of memory.
import os
files = [os.memfd_create("probe") for _ in range(_query["files"])]
for file in files:
    for _ in range(_query["each"]):
        os.write(file, bytes(1 << 20))
return len(files)
