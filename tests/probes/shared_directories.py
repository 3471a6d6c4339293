# F14: leave a file where every program looks, and look whether another run left one.
import os
directories = ["/tmp", "/dev/shm", "/var/tmp"]
before = {directory: os.path.exists(f"{directory}/{_query}") for directory in directories}
for directory in directories:
    open(f"{directory}/{_query}", "w").close()
return {"before": before, "after": {directory: os.path.exists(f"{directory}/{_query}") for directory in directories}}
