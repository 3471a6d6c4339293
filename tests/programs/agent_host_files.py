# differs: of the host only the interpreter's files are there
import os

print(os.path.exists("/etc/hostname"), os.path.exists("/usr/bin/env"), os.path.exists("/var/log"))
try:
    open("/etc/shadow")
    print("read")
except OSError as error:
    print(type(error).__name__)
try:
    open("/etc/new", "w")
    print("written")
except OSError as error:
    print(type(error).__name__)
print(len(os.listdir("/proc")) > 30, os.getpid() < 20, os.path.exists("/proc/self/status"))
