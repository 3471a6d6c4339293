# 9.7: lock calls without end, from several threads, which the supervisor answers one by one.
import fcntl, os, threading

def hammer():
    fd, calls = os.open("hammered", os.O_CREAT | os.O_RDWR), 0
    while calls != _query:
        fcntl.lockf(fd, (fcntl.LOCK_EX, fcntl.LOCK_UN)[calls % 2], 1, threading.get_ident() % 1000)
        calls += 1
    return calls

threads = [threading.Thread(target=hammer) for _ in range(4)]
for thread in threads:
    thread.start()
return hammer()
