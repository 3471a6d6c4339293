import os
try:
    os.ftruncate(os.open("/tmp/large", os.O_RDWR | os.O_CREAT), _query)
except OSError as error:
    return error.errno
return 0
