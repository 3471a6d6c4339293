# 9.12: sets the times of what the host has too: device nodes, by name and by what is open.
import errno, os, stat

def said(call, *args):
    try:
        call(*args)
        return "ok"
    except OSError as error:
        return errno.errorcode[error.errno]

paths = [_query] if _query else [f"/dev/{name}" for name in ("null", "zero", "full", "random", "urandom")]
if _query:
    open(_query, "w").close()
answers = {}
for path in paths:
    # What is written to /dev/zero could be memory that nobody counts, so it is there to be read.
    fd = os.open(path, os.O_RDONLY if path == "/dev/zero" else os.O_RDWR)
    os.write(fd, b"x") if path == "/dev/null" else os.read(fd, 1) if path != "/dev/full" else None
    for name, call in ("utime", lambda: os.utime(path)), ("futime", lambda: os.utime(fd)), ("chmod", lambda: os.chmod(path, 0o666)):
        answers.setdefault(name, set()).add(said(call))
    os.close(fd)
devices = [fd for fd in range(3) if stat.S_ISCHR(os.fstat(fd).st_mode)]
return {**{name: sorted(seen) for name, seen in answers.items()}, "open_devices": devices, "stdin": os.read(0, 1).hex()}
