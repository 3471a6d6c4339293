# 9.11: queues signals to itself, of which the host counts those of all processes of a user together.
import ctypes, os, signal
signal.pthread_sigmask(signal.SIG_BLOCK, [40])
libc, queued = ctypes.CDLL(None), 0
while queued < 300 and libc.sigqueue(os.getpid(), 40, ctypes.c_void_p(1)) == 0:
    queued += 1
return queued
