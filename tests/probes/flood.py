# R8: this many bytes to a stream, in pieces of at most 1 MiB: print, or stdout and stderr past the captured print.
import os
left = _query["bytes"]
while left:
    piece = min(left, 1 << 20)
    left -= piece
    if _query["to"] == "print":
        print("x" * (piece - 1))
    else:
        data = b"x" * piece
        while data:
            data = data[os.write({"stdout": 1, "stderr": 2}[_query["to"]], data):]
return _query["bytes"]
