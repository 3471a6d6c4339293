import os
import shutil
import stat

os.makedirs("tree/a/b")
for name in ("tree/1", "tree/a/2", "tree/a/b/3"):
    with open(name, "w") as file:
        file.write(name * 3)
for folder, folders, files in os.walk("tree"):
    print(folder, sorted(folders), sorted(files))
shutil.copytree("tree", "copy")
os.chmod("copy/1", 0o640)
print(stat.filemode(os.stat("copy/1").st_mode), oct(os.umask(0o22)), shutil.disk_usage(".").total > 0)
os.symlink("1", "copy/link")
print(os.readlink("copy/link"), os.path.islink("copy/link"), os.path.realpath("copy/link").endswith("copy/1"))
os.link("copy/1", "copy/hard")
print(os.stat("copy/hard").st_nlink, [entry.name for entry in sorted(os.scandir("copy"), key=lambda e: e.name)])
os.replace("copy/hard", "copy/moved")
os.utime("copy/moved", (1000, 2000))
print(os.stat("copy/moved").st_mtime, os.access("copy/moved", os.R_OK), shutil.make_archive("packed", "zip", "tree").endswith("packed.zip"))
shutil.rmtree("copy")
print(os.path.exists("copy"))
