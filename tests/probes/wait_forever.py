# R10: wait for what never comes: by sleep, or at the reading end of a FIFO without a writer.
import os, threading, time
if _query["by"] == "fifo":
    os.mkfifo("/tmp/fifo")
    if _query["writer"]:
        threading.Thread(target=lambda: open("/tmp/fifo", "w").close()).start()
    open("/tmp/fifo").close()
else:
    time.sleep(_query["seconds"])
return "woken"
