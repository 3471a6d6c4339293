# honest: waits for locks that are given back, closed, or end with their process; is interrupted; and is told of a circle.
import errno, fcntl, multiprocessing, os, signal, struct, threading
path = "lock-waits"
open(path, "wb").close()

def said(call, *args):
    try:
        call(*args)
        return "ok"
    except OSError as error:
        return errno.errorcode[error.errno]

def holder(take, leave):
    """A process that takes a lock, says so, and leaves it as told once asked."""
    ask, told = os.pipe(), os.pipe()
    child = os.fork()
    if child == 0:
        fd = os.open(path, os.O_RDWR)
        take(fd)
        os.write(told[1], b".")
        os.read(ask[0], 1)
        leave(fd)
        os.write(told[1], b".")
        os.read(ask[0], 1)
        os._exit(0)
    os.read(told[0], 1)
    def ended():
        os.write(ask[1], b".")
        os.waitpid(child, 0)
    return (lambda: os.write(ask[1], b".")), ended

results = {}
ofd = lambda fd, kind: fcntl.fcntl(fd, 37, struct.pack("hhqqi4x", kind, 0, 0, 0, 0))
exclusive = lambda fd: fcntl.lockf(fd, fcntl.LOCK_EX)
whole = lambda fd: fcntl.flock(fd, fcntl.LOCK_EX)
for name, take in ("record", exclusive), ("whole", whole):
    for way, leave in ("unlocks", lambda fd: (fcntl.lockf if take is exclusive else fcntl.flock)(fd, fcntl.LOCK_UN)), ("closes", os.close), ("ends", lambda fd: os._exit(0)):
        go, ended = holder(take, leave)
        fd = os.open(path, os.O_RDWR)
        held = said(lambda: (fcntl.lockf if take is exclusive else fcntl.flock)(fd, fcntl.LOCK_EX | fcntl.LOCK_NB))
        waiter = threading.Thread(target=take, args=(fd,))
        waiter.start()
        go()
        waiter.join()
        again = os.open(path, os.O_RDWR)
        kept = said(lambda: ofd(again, fcntl.F_WRLCK) if take is exclusive else fcntl.flock(again, fcntl.LOCK_EX | fcntl.LOCK_NB))
        results[f"{name} {way}"] = held, kept, said(lambda: (fcntl.lockf if take is exclusive else fcntl.flock)(fd, fcntl.LOCK_UN))
        os.close(fd)
        ended()

# A handler that raises gets a waiting call out.
class Alarm(Exception):
    pass
def ring(*_):
    raise Alarm
signal.signal(signal.SIGALRM, ring)
for name, take in ("record", exclusive), ("whole", whole):
    go, ended = holder(take, os.close)
    fd = os.open(path, os.O_RDWR)
    signal.setitimer(signal.ITIMER_REAL, 0.1)
    try:
        take(fd)
        results[f"{name} alarm"] = "not waited"
    except Alarm:
        results[f"{name} alarm"] = "interrupted"
    go()
    ended()
    os.close(fd)

# Each holds one byte and wants the other's.
fd = os.open(path, os.O_RDWR)
byte = lambda at: fcntl.lockf(fd, fcntl.LOCK_EX, 1, at)
byte(0)
said_by_child = os.pipe()
child = os.fork()
if child == 0:
    byte(1)
    os.write(said_by_child[1], b".")
    answer = said(byte, 0)
    os.write(said_by_child[1], answer.encode())
    os._exit(0)
os.read(said_by_child[0], 1)
mine = said(byte, 1)
fcntl.lockf(fd, fcntl.LOCK_UN)
theirs = os.read(said_by_child[0], 99).decode()
os.waitpid(child, 0)
results["circle"] = sorted([mine, theirs])

# A lock of a description is there for all who have it, and goes with the last.
first = os.open(path, os.O_RDWR)
fcntl.flock(first, fcntl.LOCK_EX)
ask = os.pipe()
child = os.fork()
if child == 0:
    os.read(ask[0], 1)
    os._exit(0)
os.close(first)
second = os.open(path, os.O_RDWR)
inherited = said(fcntl.flock, second, fcntl.LOCK_EX | fcntl.LOCK_NB)
os.write(ask[1], b".")
os.waitpid(child, 0)
results["inherited"] = inherited, said(fcntl.flock, second, fcntl.LOCK_EX | fcntl.LOCK_NB)

# Descriptions as owners; a description does not meet itself, and is not asked by its process.
third = os.open(path, os.O_RDWR)
steps = (second, fcntl.F_WRLCK), (third, fcntl.F_WRLCK), (second, fcntl.F_UNLCK), (third, fcntl.F_WRLCK)
results["descriptions"] = [said(ofd, fd, kind) for fd, kind in steps]

# What cannot be locked.
results["bad"] = said(fcntl.flock, 99, fcntl.LOCK_SH), said(fcntl.lockf, os.open(path, os.O_RDONLY), fcntl.LOCK_EX), said(fcntl.flock, os.open(path, os.O_PATH), fcntl.LOCK_SH)
return results
