# R12: crash so that the kernel would write a core, after raising the own limit as far as it goes.
import os, resource, signal
hard = resource.getrlimit(resource.RLIMIT_CORE)[1]
resource.setrlimit(resource.RLIMIT_CORE, (hard, hard))
child = os.fork()
if child == 0:
    os.kill(os.getpid(), signal.SIGABRT)
status = os.waitpid(child, 0)[1]
return {"signal": os.WTERMSIG(status), "core": os.WCOREDUMP(status)}
