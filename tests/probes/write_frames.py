# O1, O2, O4, O5, Y15, R8: bytes written to the result pipe beside the executor's own: hex strings, repeated, from this process or a child.
import os
for part in _query["hex"]:
    data = bytes.fromhex(part) * _query.get("times", 1)
    while data:
        data = data[os.write(4, data):]
end = _query.get("end", "return")
if end == "return":
    return "honest"
if end == "kill":
    os.kill(os.getpid(), 9)
os._exit(end)
