# 9.27: files with set-id bits, made by opening them in every way; and an open that makes nothing, with a mode that nobody looks at.
# needs: native
import stat, struct
with open("plain", "w"):
    pass
made = {
    "openat": syscall("openat", -100, b"a", os.O_CREAT | os.O_WRONLY, 0o4755),
    "clean": syscall("openat", -100, b"b", os.O_CREAT | os.O_WRONLY, 0o755),
    "tmpfile": syscall("openat", -100, b".", os.O_TMPFILE | os.O_WRONLY, 0o2755),
    "openat2": syscall("openat2", -100, b"c", struct.pack("QQQ", os.O_CREAT | os.O_WRONLY, 0o6755, 0), 24),
    "plain": syscall("openat", -100, b"plain", os.O_RDONLY, 2**64 - 1),
    # aarch64 has neither.
    "open": syscall(2, b"d", os.O_CREAT | os.O_WRONLY, 0o4755) if _COLUMN == 0 else None,
    "creat": syscall(85, b"e", 0o4755) if _COLUMN == 0 else None,
}
made["set"] = sorted(name for name in "abcde" if os.path.exists(name) and os.stat(name).st_mode & 0o6000)
for name in "abcde":
    if os.path.exists(name):
        os.remove(name)
return made
