import os
print("now")
try:
    os.execve(_query["path"], [_query["path"]], {})
except OSError as error:
    return error.errno
