import asyncio
import signal
import os

async def serve(reader, writer):
    line = await reader.readline()
    writer.write(line.upper())
    await writer.drain()
    writer.close()

async def run():
    server = await asyncio.start_unix_server(serve, "stream")
    reader, writer = await asyncio.open_unix_connection("stream")
    writer.write(b"quiet\n")
    print(await reader.read())
    writer.close()
    server.close()
    loop, got = asyncio.get_running_loop(), asyncio.Event()
    loop.add_signal_handler(signal.SIGUSR1, got.set)
    os.kill(os.getpid(), signal.SIGUSR1)
    await asyncio.wait_for(got.wait(), 5)
    print("signal seen")
    async with asyncio.Lock(), asyncio.timeout(5) if hasattr(asyncio, "timeout") else asyncio.Lock():
        r, w = os.pipe()
        loop.add_reader(r, lambda: (print(os.read(r, 10)), loop.remove_reader(r), got.clear()))
        os.write(w, b"ready")
        await asyncio.sleep(0.01)

asyncio.run(run(), debug=False)
