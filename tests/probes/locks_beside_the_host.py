# honest: a lock on a file of a writable mount, and one on a file of its own.
import errno, fcntl, os

def said(path):
    fd = os.open(path, os.O_CREAT | os.O_RDWR)
    answers = []
    for call, args in (fcntl.lockf, (fcntl.LOCK_EX | fcntl.LOCK_NB,)), (fcntl.flock, (fcntl.LOCK_EX | fcntl.LOCK_NB,)):
        try:
            call(fd, *args)
            answers.append("ok")
        except OSError as error:
            answers.append(errno.errorcode[error.errno])
    return answers

return {"shared": said("/srv/out/file"), "own": said("/tmp/file"), "device": said("/dev/null")}
