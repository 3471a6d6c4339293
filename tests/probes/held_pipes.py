# P4: a grandchild keeps every pipe open while its parent leaves, and writes late.
import os, time
if os.fork() == 0:
    time.sleep(2)
    os.write(1, b"late")
    time.sleep(_query)
    os._exit(0)
return "left"
