# S1: a whole program of this machine's 32 bits, started as a child.
import os
import signal
import struct
if os.uname().machine == "x86_64":  # mov eax, 1 (exit); xor ebx, ebx; int 0x80
    machine, flags, code = 3, 0, b"\xb8\x01\x00\x00\x00\x31\xdb\xcd\x80"
else:  # mov r7, #20 (getpid); svc 0; mov r0, #0; mov r7, #1 (exit); svc 0
    machine, flags, code = 40, 0x5000400, struct.pack("<5I", 0xE3A07014, 0xEF000000, 0xE3A00000, 0xE3A07001, 0xEF000000)
size = 84 + len(code)
head = struct.pack("<4s12s2H5I6H", b"\x7fELF", b"\x01\x01\x01", 2, machine, 1, 0x10054, 52, 0, flags, 52, 32, 1, 40, 0, 0)
path = f"/tmp/remand-32-bit-{os.getpid()}"
with open(path, "wb") as file:
    file.write(head + struct.pack("<8I", 1, 0, 0x10000, 0x10000, size, size, 5, 0x1000) + code)
os.chmod(path, 0o700)
child = os.fork()
if child == 0:
    try:
        os.execv(path, [path])
    except OSError as error:
        os._exit(error.errno)
status = os.waitpid(child, 0)[1]
os.unlink(path)
return signal.Signals(status).name if os.WIFSIGNALED(status) else ["ran", "ENOEXEC"][os.WEXITSTATUS(status) // 8]
