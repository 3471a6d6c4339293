# O14, P5, 9.33: the signal that a supervisor or the kernel would send, sent by the code itself.
import os
if _query:
    os.kill(os.getpid(), _query)
return "alive"
