import glob
import os
import pathlib
import fnmatch

for name in ("a.py", "b.py", ".hidden", "sub/c.py"):
    path = pathlib.Path(name)
    path.parent.mkdir(exist_ok=True)
    path.touch()
print(sorted(glob.glob("*.py")), sorted(glob.glob("**/*.py", recursive=True)), fnmatch.filter(os.listdir(), ".h*"))
print(os.path.relpath("/a/b", "/a/c"), os.path.commonpath(["/a/b", "/a/c"]), os.path.splitext("x.tar.gz"), os.path.normpath("a//./b/.."))
pathlib.Path("loop").symlink_to("loop")
try:
    os.stat("loop")
except OSError as error:
    print(error.errno, os.path.exists("loop"), os.path.lexists("loop"))
print(pathlib.PurePath("/x/y").relative_to("/x"), pathlib.Path("sub").resolve() == pathlib.Path.cwd() / "sub", os.path.samefile("a.py", "./a.py"))
fd = os.open("sub", os.O_RDONLY)
print(os.listdir(fd), os.open("c.py", os.O_RDONLY, dir_fd=fd) > 2, os.mkdir("x", dir_fd=fd), os.rmdir("sub/x"))
try:
    os.rmdir("sub")
except OSError as error:
    print(error.strerror)
try:
    pathlib.Path("a.py/x").touch()
except NotADirectoryError as error:
    print(error.strerror)
