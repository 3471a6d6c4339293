# honest: locks of every kind on files that others open too; met, held, waited for, and left in every way, on a word through files.
import errno, fcntl, os, struct, time

OFD_GETLK, OFD_SETLK = 36, 37
lock = lambda kind, first=0, length=0: struct.pack("hhqqi4x", kind, 0, first, length, 0)

def said(call, *args):
    try:
        call(*args)
        return "ok"
    except OSError as error:
        return errno.errorcode[error.errno]

def say(word):
    os.close(os.open(word, os.O_CREAT | os.O_WRONLY))

def await_(word):
    while not os.path.exists(word):
        time.sleep(0.005)

def opened(name, mode=os.O_RDWR):
    return os.open(name, os.O_CREAT | mode)

TAKE = {
    "record": lambda fd: fcntl.lockf(fd, fcntl.LOCK_EX | fcntl.LOCK_NB),
    "description": lambda fd: fcntl.fcntl(fd, OFD_SETLK, lock(fcntl.F_WRLCK)),
    "whole": lambda fd: fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB),
}

def meet():
    """Asks for what somebody outside holds, and who that is."""
    found = {name: said(take, opened(name)) for name, take in TAKE.items()}
    told = lambda name, ask: struct.unpack("hhqqi4x", fcntl.fcntl(opened(name), ask, lock(fcntl.F_WRLCK)))
    return found, told("record", fcntl.F_GETLK), told("description", fcntl.F_GETLK), told("description", OFD_GETLK)

def hold():
    """Through a description that only reads, then one that also writes."""
    reader, writer = opened("record", os.O_RDONLY), opened("record")
    fcntl.lockf(reader, fcntl.LOCK_SH | fcntl.LOCK_NB, 10)
    answers = [said(fcntl.lockf, writer, fcntl.LOCK_EX | fcntl.LOCK_NB, 2), said(fcntl.lockf, reader, fcntl.LOCK_EX | fcntl.LOCK_NB, 2)]
    kept = [opened("description"), opened("whole"), opened("whole")]
    answers += [said(TAKE["description"], kept[0]), said(TAKE["whole"], kept[1]), said(TAKE["whole"], kept[2])]
    # What is asked for in vain costs nothing of what is held.
    say("held")
    await_("go")
    fcntl.lockf(writer, fcntl.LOCK_UN, 1)
    fcntl.lockf(writer, fcntl.LOCK_EX, 1, 20)
    say("moved")
    await_("end")
    return answers

def wait():
    fds = {name: opened(name) for name in TAKE}
    blocking = {"record": lambda fd: fcntl.lockf(fd, fcntl.LOCK_EX), "description": lambda fd: fcntl.fcntl(fd, 38, lock(fcntl.F_WRLCK)), "whole": lambda fd: fcntl.flock(fd, fcntl.LOCK_EX)}
    for name, take in blocking.items():
        say("waits-" + name)
        take(fds[name])
        say("got-" + name)
    await_("end")
    return "got"

def leave():
    """Nobody in the run asks for what its children leave."""
    ways = {"dies": lambda fd: os._exit(0), "killed": lambda fd: os.kill(os.getpid(), 9), "closes": os.close}
    for way, end in ways.items():
        for name, take in TAKE.items():
            if os.fork() == 0:
                fd = opened(f"{way}-{name}")
                take(fd)
                say(f"took-{way}-{name}")
                await_("leave")
                end(fd)
                await_("end")
                os._exit(0)
    # A fork has its parent's descriptions, and their locks, but not its records.
    for name, take in TAKE.items():
        fd = opened("forked-" + name)
        take(fd)
        if os.fork() == 0:
            await_("end")
            os._exit(0)
        os.close(fd)
    say("forked")
    await_("end")
    return "left"

os.chdir(_query["in"])
return {"meet": meet, "hold": hold, "wait": wait, "leave": leave}[_query["do"]]()
