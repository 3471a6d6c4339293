# S12: trace a process, and read, write and compare another's state.
# needs: native
own = os.getpid()
return {
    "ptrace": syscall("ptrace", 0, 0, 0, 0),
    "process_vm_readv": syscall("process_vm_readv", own, 0, 0, 0, 0, 0),
    "process_vm_writev": syscall("process_vm_writev", own, 0, 0, 0, 0, 0),
    "process_madvise": syscall("process_madvise", -1, 0, 0, 0, 0),
    "kcmp": syscall("kcmp", own, own, 1, 0, 0),
}
