import posix, marshal
f = posix.open("/remand/executor", posix.O_RDONLY | posix.O_CLOEXEC)
c, l = marshal.loads(posix.read(f, posix.fstat(f).st_size))
posix.close(f)
exec(c, {"__name__": "remand", "LAYERS": l})
