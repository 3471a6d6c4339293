# P1: threads without end. With a number: that many, which then leave.
import threading
done = threading.Event()
threads = []
while _query is None or len(threads) < _query:
    threads.append(threading.Thread(target=done.wait, daemon=True))
    threads[-1].start()
done.set()
for thread in threads:
    thread.join()
return len(threads)
