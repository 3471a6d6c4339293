# R8: a byte now and then, so that no idle timeout ends it.
import os, time
count = 0
while _query is None or count < _query:
    os.write(1, b".")
    count += 1
    time.sleep(0.02)
return count
