# Y2: replace what a lock-down inside the interpreter would rest on, then try a denied call.
# needs: native
import builtins, sys
call, which, last, names, deny = _libc.syscall, ctypes.c_long(number("ptrace")), ctypes.get_errno, errno.errorcode, []
for name in ("len", "isinstance", "open", "__import__", "print", "getattr"):
    setattr(builtins, name, lambda *args, **kwargs: deny)
for module in list(sys.modules.values()):
    for name in ("audit", "addaudithook", "settrace"):
        if name in module.__dict__:
            module.__dict__[name] = lambda *args, **kwargs: None
return "ok" if call(which, 0, 0, 0, 0) == 0 else names[last()]
