import posix, marshal
f = posix.open("/remand/executor", posix.O_RDONLY | posix.O_CLOEXEC)
c = posix.read(f, 1 << 18)
posix.close(f)
exec(marshal.loads(c), {"__name__": "remand"})
