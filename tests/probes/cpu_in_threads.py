# R9: a loop in 8 threads.
import threading, time
def spin():
    while _query is None or time.process_time() < _query:
        sum(range(10000))
threads = [threading.Thread(target=spin) for _ in range(8)]
for thread in threads:
    thread.start()
for thread in threads:
    thread.join()
return "done"
