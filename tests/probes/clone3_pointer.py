# S4: clone3, whose flags no filter can see; and threads, which must fall back to clone.
# needs: native
import threading
seen = []
thread = threading.Thread(target=seen.append, args=("ran",))
thread.start()
thread.join()
return {"clone3": syscall("clone3", 0, 0), "thread": seen}
