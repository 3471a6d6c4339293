import locale
import os
import sys

print(locale.setlocale(locale.LC_ALL, "C.UTF-8"), locale.getpreferredencoding(), sys.getfilesystemencoding())
print(sys.stdout.encoding, sys.stdin.encoding, sys.stderr.encoding, sys.stdout.errors, sys.stderr.errors)
with open("näme-\u4f60.txt", "w") as file:
    print(file.encoding)
print(os.listdir("."), len(os.fsencode("ä")))
