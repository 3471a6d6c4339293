import os
import select
import signal

pid = os.fork()
if pid == 0:
    signal.pause()
fd = os.pidfd_open(pid)
print(select.select([fd], [], [], 0)[0])
signal.pidfd_send_signal(fd, signal.SIGTERM)
print(len(select.select([fd], [], [], 10)[0]), os.waitid(os.P_PIDFD, fd, os.WEXITED).si_status)
