# differs: the run's own user, host name and home; nothing of the caller's environment
import getpass
import os
import pwd
import socket

print(getpass.getuser(), pwd.getpwuid(os.getuid()).pw_name, os.path.expanduser("~"), socket.gethostname())
print(sorted(name for name in os.environ if name not in ("LC_CTYPE", "OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS")))
