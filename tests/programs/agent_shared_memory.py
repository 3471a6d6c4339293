import multiprocessing as mp
from multiprocessing import shared_memory

def bump(name, counter, pipe):
    block = shared_memory.SharedMemory(name=name)
    block.buf[0] += 1
    block.close()
    with counter.get_lock():
        counter.value += 10
    pipe.send("done")

if __name__ == "__main__":
    block = shared_memory.SharedMemory(create=True, size=16)
    counter = mp.Value("i", 5)
    here, there = mp.Pipe()
    child = mp.Process(target=bump, args=(block.name, counter, there))
    child.start()
    print(here.recv())
    child.join()
    print(block.buf[0], counter.value, child.exitcode)
    block.close()
    block.unlink()
