# 9.7: a process whose main thread has ended takes and keeps locks by another thread.
# needs: native
import fcntl, threading, time

def said(call, *args):
    try:
        call(*args)
        return "ok"
    except OSError as error:
        return errno.errorcode[error.errno]

path = "without-main"
exclusive = fcntl.LOCK_EX | fcntl.LOCK_NB
fds = [os.open(path, os.O_CREAT | os.O_RDWR) for _ in range(3)]
told, ask = os.pipe(), os.pipe()
child = os.fork()
if child == 0:
    before = said(fcntl.lockf, fds[0], exclusive, 1)
    own = os.open(path, os.O_RDWR)
    def rest():
        while "State:\tZ" not in open("/proc/self/status").read():
            time.sleep(0.005)
        later = said(fcntl.lockf, fds[0], exclusive, 1, 5), said(fcntl.flock, own, exclusive), said(fcntl.lockf, 999, exclusive)
        os.write(told[1], repr((before, later)).encode())
        os.read(ask[0], 1)
        os._exit(0)
    threading.Thread(target=rest).start()
    raw("exit", 0)
ended = os.read(told[0], 999).decode()
met = [said(fcntl.lockf, fds[1], exclusive, 1, at) for at in (0, 5, 9)], said(fcntl.flock, fds[2], exclusive)
os.write(ask[1], b".")
os.waitpid(child, 0)
return ended, met, said(fcntl.lockf, fds[1], exclusive), said(fcntl.flock, fds[2], exclusive)
