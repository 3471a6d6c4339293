import multiprocessing as mp

class Job:
    def __init__(self, n):
        self.n = n

    def run(self):
        return self.n + 1

def call(job):
    return job.run(), __name__, Job.__module__

if __name__ == "__main__":
    for method in ("spawn", "forkserver"):
        with mp.get_context(method).Pool(1) as pool:
            print(method, pool.map(call, [Job(1)]))
