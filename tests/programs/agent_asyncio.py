# function
import asyncio

async def fetch(name, delay):
    await asyncio.sleep(delay)
    return name.upper()

async def produce(queue):
    for number in range(3):
        await queue.put(number)
    await queue.put(None)

async def run():
    print(await asyncio.gather(fetch("a", 0.02), fetch("b", 0.01)))
    queue = asyncio.Queue()
    task = asyncio.create_task(produce(queue))
    while (number := await queue.get()) is not None:
        print(number)
    await task
    try:
        await asyncio.wait_for(asyncio.sleep(5), 0.01)
    except asyncio.TimeoutError:
        print("timed out")
    print(await asyncio.to_thread(sum, [1, 2]))

asyncio.run(run())
