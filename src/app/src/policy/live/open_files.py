import os
try:
    while os.dup(0) + 1 < _query:
        pass
except OSError as error:
    return error.errno
return 0
