import asyncio

async def fails(n):
    await asyncio.sleep(0)
    raise ValueError(n)

async def run():
    print(await asyncio.gather(fails(1), fails(2), return_exceptions=True))
    task = asyncio.create_task(asyncio.sleep(10))
    await asyncio.sleep(0)
    task.cancel()
    try:
        await task
    except asyncio.CancelledError:
        print("cancelled", task.cancelled())
    async for n in numbers():
        print(n)
    if hasattr(asyncio, "TaskGroup"):
        try:
            async with asyncio.TaskGroup() as group:
                group.create_task(fails(3))
        except* ValueError as caught:
            print(caught.exceptions)

async def numbers():
    for n in range(2):
        yield n
        await asyncio.sleep(0)

asyncio.run(run())
