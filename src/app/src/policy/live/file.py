import os
flags = os.O_NONBLOCK | os.O_CLOEXEC
if _query["write"]:
    flags |= os.O_WRONLY | (os.O_CREAT if _query["make"] else 0)
print("now")
try:
    os.close(os.open(_query["path"], flags, 0o600))
except OSError as error:
    return error.errno
return 0
