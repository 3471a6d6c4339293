# R6: one file of this many bytes by a single truncate (sparse), or written.
import os
with open("/tmp/large", "wb") as file:
    if _query["sparse"]:
        os.truncate("/tmp/large", _query["bytes"])
    else:
        for _ in range(0, _query["bytes"], 1 << 20):
            file.write(bytes(1 << 20))
            file.flush()
return os.stat("/tmp/large").st_size
