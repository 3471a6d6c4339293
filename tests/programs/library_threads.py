import threading
import time

barrier, results = threading.Barrier(3), []

def meet(n):
    barrier.wait(10)
    results.append(n)

threads = [threading.Thread(target=meet, args=(n,), daemon=n == 0) for n in range(3)]
for thread in threads:
    thread.start()
for thread in threads:
    thread.join()
print(sorted(results), barrier.broken)
condition, ready = threading.Condition(), []

def wait():
    with condition:
        condition.wait_for(lambda: ready, 10)
        print("woken", ready)

waiter = threading.Thread(target=wait)
waiter.start()
with condition:
    ready.append(1)
    condition.notify_all()
waiter.join()
semaphore = threading.BoundedSemaphore(1)
print(semaphore.acquire(), semaphore.acquire(timeout=0.01), semaphore.release())
try:
    semaphore.release()
except ValueError as error:
    print(error)
threading.Thread(target=time.sleep, args=(60,), daemon=True).start()
threading.Thread(target=lambda: (time.sleep(0.05), print("waited for at the end"))).start()
print("end of the main thread")
