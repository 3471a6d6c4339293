import multiprocessing as mp

def work(jobs, results, lock):
    for n in iter(jobs.get, None):
        with lock:
            results.put((n, n * n))

if __name__ == "__main__":
    jobs, results, lock = mp.Queue(), mp.Queue(), mp.Lock()
    workers = [mp.Process(target=work, args=(jobs, results, lock)) for _ in range(2)]
    for worker in workers:
        worker.start()
    for n in range(10):
        jobs.put(n)
    print(sorted(results.get(timeout=20) for _ in range(10)))
    for _ in workers:
        jobs.put(None)
    for worker in workers:
        worker.join()
    print([worker.exitcode for worker in workers], mp.get_start_method() in ("fork", "forkserver"))
    array = mp.Array("d", [1.0, 2.0])
    event, semaphore = mp.Event(), mp.Semaphore(2)
    event.set()
    print(array[:], event.is_set(), semaphore.acquire(), mp.current_process().name, mp.parent_process())
