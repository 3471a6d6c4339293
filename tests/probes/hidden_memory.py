# 9.29: memory of a process whose first thread has ended, in MiB; the others go on.
# needs: native
import threading, time
def hold():
    while open("/proc/self/stat").read().rsplit(")")[-1].split()[0] != "Z":
        time.sleep(0.001)
    held = []
    for _ in range(_query["mib"] // 8):
        held.append(b"x" * (8 << 20))
        time.sleep(0.003)
    time.sleep(0.2)
    body = b'{"kind":"done","value":%d}' % (len(held) * 8)
    os.write(4, len(body).to_bytes(4, "big") + body)
    os._exit(0)
threading.Thread(target=hold).start()
syscall("exit", 0)
