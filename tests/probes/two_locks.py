# F15: a lock on a shared read-only file of the host.
import errno, fcntl, os
with open(_query or os.__file__) as file:
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        return "ok"
    except OSError as error:
        return errno.errorcode[error.errno]
