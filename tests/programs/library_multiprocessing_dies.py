import multiprocessing as mp
import os
import signal

def dies(how):
    if how == "exit":
        raise SystemExit(5)
    os.kill(os.getpid(), signal.SIGKILL)

if __name__ == "__main__":
    for how in ("exit", "kill"):
        child = mp.Process(target=dies, args=(how,))
        child.start()
        child.join()
        print(how, child.exitcode)
    from concurrent.futures import ProcessPoolExecutor
    from concurrent.futures.process import BrokenProcessPool
    with ProcessPoolExecutor(1) as pool:
        try:
            pool.submit(dies, "kill").result(30)
        except BrokenProcessPool:
            print("broken")
