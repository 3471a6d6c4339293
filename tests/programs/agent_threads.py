# function
import queue
import threading

jobs, done, lock = queue.Queue(), [], threading.Lock()

def work():
    while (number := jobs.get()) is not None:
        with lock:
            done.append(number * number)
        jobs.task_done()

workers = [threading.Thread(target=work, name=f"worker-{n}") for n in range(4)]
for worker in workers:
    worker.start()
for number in range(50):
    jobs.put(number)
jobs.join()
for _ in workers:
    jobs.put(None)
for worker in workers:
    worker.join()
print(sum(done), threading.active_count(), threading.current_thread().name)
timer, event = threading.Timer(0.01, lambda: event.set()), threading.Event()
timer.start()
print(event.wait(10), threading.local().__class__.__name__)
