import os
import select
import sys

there, here = os.pipe()
child = os.fork()
if child == 0:
    os.close(there)
    os.write(here, b"from the child")
    os._exit(5)
os.close(here)
print(select.select([there], [], [], 10)[0] == [there], os.read(there, 100), os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]))
sys.stdout.flush()
child = os.fork()
if child == 0:
    print("a child that ends by itself")
    sys.exit(0)
print(os.waitpid(child, 0)[1])
