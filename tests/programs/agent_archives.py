# function
import bz2
import gzip
import io
import lzma
import tarfile
import zipfile
import zlib

raw = b"all work and no play " * 200
for module in (bz2, gzip, lzma, zlib):
    packed = module.compress(raw)
    print(module.__name__, len(packed) < 200, module.decompress(packed) == raw)
memory = io.BytesIO()
with zipfile.ZipFile(memory, "w", zipfile.ZIP_DEFLATED) as archive:
    archive.writestr("a/b.txt", raw)
print(zipfile.ZipFile(memory).namelist(), zipfile.ZipFile(memory).read("a/b.txt") == raw)
memory = io.BytesIO()
with tarfile.open(fileobj=memory, mode="w:gz") as archive:
    entry = tarfile.TarInfo("x")
    entry.size = 3
    archive.addfile(entry, io.BytesIO(b"xyz"))
memory.seek(0)
print(tarfile.open(fileobj=memory).extractfile("x").read())
