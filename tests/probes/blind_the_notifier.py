# S8: take away the supervisor's view of this process's memory, then try a denied call.
# needs: native
return {"dumpable": syscall("prctl", 4, 0, 0, 0, 0), "ptrace": syscall("ptrace", 0, 0, 0, 0)}
