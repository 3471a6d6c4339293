import os
import threading

os.mkfifo("fifo")
def write():
    with open("fifo", "w") as out:
        out.write("through")
thread = threading.Thread(target=write)
thread.start()
print(open("fifo").read())
thread.join()
