# 9.7: record locks, as many as it gets, in several files and processes: kernel memory that nobody is charged for.
import errno, fcntl, os
made = 0
for file in range(4):
    fd = os.open(f"locks{file}", os.O_CREAT | os.O_RDWR)
    for at in range(400, 0, -1):
        try:
            fcntl.lockf(fd, fcntl.LOCK_EX | fcntl.LOCK_NB, 1, 2 * at)
            made += 1
        except OSError as error:
            return {"made": made < 1024, "answer": errno.errorcode[error.errno]}
return {"made": made < 1024, "answer": "ok"}
