# function
import os
import tempfile

with tempfile.TemporaryDirectory(prefix="work-") as folder:
    path = os.path.join(folder, "x")
    with open(path, "w") as out:
        out.write("kept")
    print(os.listdir(folder), os.path.getsize(path))
print(os.path.exists(folder))
with tempfile.NamedTemporaryFile("w+", suffix=".txt") as file:
    file.write("line\n")
    file.seek(0)
    print(file.read(), end="")
with tempfile.SpooledTemporaryFile(max_size=10) as spool:
    spool.write(b"x" * 100)
    spool.seek(90)
    print(spool.read())
with tempfile.TemporaryFile() as file:
    print(file.write(b"abc"), file.tell())
