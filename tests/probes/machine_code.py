# Y9: a system call from machine code written at run time, which no Python-level guard sees.
# needs: native
import mmap
page = mmap.mmap(-1, 4096, prot=mmap.PROT_READ | mmap.PROT_WRITE | mmap.PROT_EXEC)
if os.uname().machine == "x86_64":  # mov eax, 101 (ptrace); xor edi, esi, edx, r10d; syscall; ret
    page.write(b"\xb8\x65\x00\x00\x00\x31\xff\x31\xf6\x31\xd2\x45\x31\xd2\x0f\x05\xc3")
else:  # mov x8, 117; mov x0..x3, 0; svc 0; ret
    page.write(bytes.fromhex("a80e80d2000080d2010080d2020080d2030080d2010000d4c0035fd6"))
answer = ctypes.CFUNCTYPE(ctypes.c_int)(ctypes.addressof(ctypes.c_char.from_buffer(page)))()
return "ok" if answer == 0 else errno.errorcode[-answer]
