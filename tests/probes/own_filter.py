# S9: a seccomp filter with a listener of its own, stacked over ours.
# needs: native
class Instruction(ctypes.Structure):
    _fields_ = [("code", ctypes.c_ushort), ("jt", ctypes.c_ubyte), ("jf", ctypes.c_ubyte), ("k", ctypes.c_uint)]
class Program(ctypes.Structure):
    _fields_ = [("len", ctypes.c_ushort), ("filter", ctypes.POINTER(Instruction))]
allow_all = Program(1, ctypes.pointer(Instruction(6, 0, 0, 0x7FFF0000)))
_libc.prctl(38, 1, 0, 0, 0)
return syscall("seccomp", 1, 8, ctypes.byref(allow_all))
