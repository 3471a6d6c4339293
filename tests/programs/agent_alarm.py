# function
import signal

def late(number, frame):
    raise TimeoutError("took too long")

signal.signal(signal.SIGALRM, late)
signal.setitimer(signal.ITIMER_REAL, 0.05)
try:
    while True:
        pass
except TimeoutError as error:
    print(error)
print(signal.getsignal(signal.SIGTERM) == signal.SIG_DFL, signal.strsignal(signal.SIGTERM))
