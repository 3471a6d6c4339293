import os

print("once or twice", end=" ")
pid = os.fork()
if pid == 0:
    print("child")
    raise SystemExit
os.waitpid(pid, 0)
print("parent")
