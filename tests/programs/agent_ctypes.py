import ctypes

libc = ctypes.CDLL(None)
kind = ctypes.CFUNCTYPE(ctypes.c_int, ctypes.POINTER(ctypes.c_int), ctypes.POINTER(ctypes.c_int))
numbers = (ctypes.c_int * 5)(5, 1, 4, 2, 3)
libc.qsort(numbers, 5, ctypes.sizeof(ctypes.c_int), kind(lambda a, b: a[0] - b[0]))
print(list(numbers), libc.abs(-3), ctypes.string_at(ctypes.create_string_buffer(b"text")))

class Pair(ctypes.Structure):
    _fields_ = [("a", ctypes.c_uint8), ("b", ctypes.c_uint32)]

print(ctypes.sizeof(Pair), Pair(1, 2).b)
