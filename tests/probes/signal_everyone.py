# P5: signals to init, to every process in sight, and to the own group's parent.
import errno, os, signal
def send(pid, number):
    try:
        os.kill(pid, number)
        return "ok"
    except OSError as error:
        return errno.errorcode[error.errno]
if _query:
    child = os.fork()
    if child == 0:
        signal.pause()
    answer = send(child, signal.SIGKILL)
    os.waitpid(child, 0)
    return {"child": answer}
return {"init_stop": send(1, signal.SIGSTOP), "init_kill": send(1, signal.SIGKILL), "parent": send(os.getppid(), signal.SIGTERM), "all": send(-1, signal.SIGSTOP)}
