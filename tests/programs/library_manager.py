import multiprocessing as mp

def add(shared, lock, n):
    with lock:
        shared["sum"] += n
        shared["seen"] = shared["seen"] + [n]

if __name__ == "__main__":
    with mp.Manager() as manager:
        shared, lock = manager.dict({"sum": 0, "seen": []}), manager.Lock()
        children = [mp.Process(target=add, args=(shared, lock, n)) for n in range(4)]
        for child in children:
            child.start()
        for child in children:
            child.join()
        print(shared["sum"], sorted(shared["seen"]), manager.Namespace(x=1).x, list(manager.list([1, 2])))
