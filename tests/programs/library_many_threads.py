import threading

done = []
threads = [threading.Thread(target=done.append, args=(n,)) for n in range(200)]
for thread in threads:
    thread.start()
for thread in threads:
    thread.join()
held = threading.Event()
waiting = [threading.Thread(target=held.wait) for _ in range(20)]
for thread in waiting:
    thread.start()
print(len(done), threading.active_count())
held.set()
