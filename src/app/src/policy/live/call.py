import ctypes, os
call = ctypes.CDLL(None, use_errno=True).syscall
args = [ctypes.c_ulong(int(arg, 16)) for arg in _query["args"]]
number, me = ctypes.c_long(_query["number"]), os.getpid()
print("now")
if not _query["make"]:
    return 0
result = call(number, *args)
if os.getpid() != me:
    os._exit(0)
return ctypes.get_errno() if result == -1 else 0
