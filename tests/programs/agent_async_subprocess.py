# function
import asyncio
import sys

async def run():
    process = await asyncio.create_subprocess_exec(sys.executable, "-c", "print(input()[::-1])",
                                                   stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.PIPE)
    out, _ = await process.communicate(b"stressed\n")
    print(out.decode().strip(), process.returncode)

asyncio.run(run())
