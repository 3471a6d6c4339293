# 9.31: a child makes a call that its policy may end the run for; its parent goes on.
# needs: native
child = os.fork()
if child == 0:
    syscall("ptrace", 0, 0, 0, 0)
    os._exit(0)
return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
