import fcntl
import mmap

with open("map", "wb") as file:
    file.write(b"\0" * 4096)
with open("map", "r+b") as file:
    fcntl.flock(file, fcntl.LOCK_EX)
    with mmap.mmap(file.fileno(), 0) as view:
        view[:5] = b"hello"
        print(view.find(b"lo"), len(view))
        view.flush()
    fcntl.lockf(file, fcntl.LOCK_SH)
    fcntl.flock(file, fcntl.LOCK_UN)
print(open("map", "rb").read(6))
with mmap.mmap(-1, 100) as anonymous:
    print(anonymous.size())
