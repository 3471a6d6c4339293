import io
import os

with open("f", "w+", encoding="utf-16", newline="\r\n") as file:
    file.write("a\nb")
print(open("f", "rb").read())
with open("f", "r+b", buffering=0) as raw:
    print(type(raw).__name__, raw.readinto(bytearray(4)), raw.seek(-1, os.SEEK_END), raw.truncate(6))
buffered = io.BufferedReader(io.BytesIO(b"line one\nline two"))
print(buffered.peek()[:4], buffered.readline(), buffered.tell(), buffered.read1(3))
text = io.TextIOWrapper(io.BytesIO("ä\r\nb".encode()), encoding="utf-8", newline=None)
print(text.read(), text.newlines)
try:
    open("f", "x")
except FileExistsError as error:
    print(error.filename, error.errno)
try:
    open("f").write("x")
except io.UnsupportedOperation as error:
    print(error)
with open("g", "a") as file:
    print(file.tell(), file.write("added"), file.mode, file.seekable())
fd = os.open("g", os.O_RDWR)
print(os.pread(fd, 3, 1), os.pwrite(fd, b"X", 0), os.lseek(fd, 0, 2), os.ftruncate(fd, 2), os.fsync(fd), os.read(fd, 5))
os.sendfile(os.open("h", os.O_WRONLY | os.O_CREAT), fd, 0, 10)
print(open("h").read(), os.stat("h").st_mode & 0o777 == 0o777 & ~os.umask(0o22))
