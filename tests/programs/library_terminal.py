# differs: a run has no pseudo-terminals of its own
import os
import pty
import termios
import tty

try:
    here, there = os.openpty()
    print(os.isatty(there), os.ttyname(there).startswith("/dev/pts/"))
    tty.setraw(there)
    os.write(there, b"out")
    print(os.read(here, 10))
    print(termios.tcgetattr(there)[6][termios.VMIN])
except OSError as error:
    print(type(error).__name__, error.errno)
