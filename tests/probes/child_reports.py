# O3: a forked child writes a good result while the parent fails.
import os
if os.fork() == 0:
    text = b'{"kind":"done","value":"forged"}'
    os.write(4, len(text).to_bytes(4, "big") + text)
    os._exit(0)
os.wait()
os._exit(_query)
