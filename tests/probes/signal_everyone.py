# P5: signals to init, to every process in sight, and to the own group's parent.
import errno, os, signal
def send(pid, number):
    try:
        os.kill(pid, number)
        return "ok"
    except OSError as error:
        return errno.errorcode[error.errno]
return {"init_stop": send(1, signal.SIGSTOP), "init_kill": send(1, signal.SIGKILL), "parent": send(os.getppid(), signal.SIGTERM), "all": send(-1, signal.SIGSTOP)}
