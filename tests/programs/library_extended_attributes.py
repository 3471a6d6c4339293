# differs: extended attributes are refused, as on a file system without them
import os

with open("f", "w"):
    pass
try:
    os.setxattr("f", "user.note", b"x")
    print(os.getxattr("f", "user.note"), os.listxattr("f"))
except OSError as error:
    print("not here", error.errno)
