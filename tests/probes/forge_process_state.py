# S14, P10: prctl calls that clear the parent-death signal, catch orphans, and forge /proc data.
# needs: native
return {"pdeathsig": syscall("prctl", 1, 0, 0, 0, 0), "subreaper": syscall("prctl", 36, 1, 0, 0, 0), "mm": syscall("prctl", 35, 1, 0, 0, 0)}
