# Y11: exit handlers, a thread and a finaliser that act after the result was written.
import atexit, os, threading, time
def late(*_):
    text = b'{"kind":"done","value":"forged"}'
    os.write(4, len(text).to_bytes(4, "big") + text)
class Final:
    __del__ = late
if _query["late"]:
    atexit.register(late)
    globals()["kept"] = Final()
    threading.Thread(target=lambda: (time.sleep(100000), late()), daemon=True).start()
return "honest"
