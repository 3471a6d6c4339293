# F15, 9.7: asks for an exclusive lock of each kind on a file that others share, and who has one there.
import errno, fcntl, os, struct

def said(call, *args):
    try:
        call(*args)
        return "ok"
    except OSError as error:
        return errno.errorcode[error.errno]

path = _query["path"] or os.__file__
fd = os.open(path, os.O_RDWR if _query["writable"] else os.O_RDONLY)
lock = lambda kind: struct.pack("hhqqi4x", kind, 0, 0, 0, 0)
kind = fcntl.F_WRLCK if _query["writable"] else fcntl.F_RDLCK
found = struct.unpack("hhqqi4x", fcntl.fcntl(fd, fcntl.F_GETLK, lock(fcntl.F_WRLCK)))[0]
answers = {"path": path, "found": found != fcntl.F_UNLCK}
for name, command in ("record", fcntl.F_SETLK), ("description", 37):
    answers[name] = said(fcntl.fcntl, fd, command, lock(kind))
    said(fcntl.fcntl, fd, command, lock(fcntl.F_UNLCK))
answers["whole"] = said(fcntl.flock, fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
return answers
