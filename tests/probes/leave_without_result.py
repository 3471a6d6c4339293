# O6, O14: leave by os._exit, by sys.exit, or by a signal handler, with a chosen number.
import os, signal, sys
if _query["by"] == "handler":
    signal.signal(signal.SIGUSR1, lambda *_: os._exit(_query["code"]))
    os.kill(os.getpid(), signal.SIGUSR1)
    signal.pause()
if _query["by"] == "exit":
    sys.exit(_query["code"])
if _query["by"] == "value":
    return _query["code"]
os._exit(_query["code"])
