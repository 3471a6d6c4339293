# honest: puts the result pipe, a file of memory and the sockets themselves in flight over pairs of its own, each in the other's queue, on every low number
# needs: native
import socket
import struct


def send(call, at, passed):
    data = ctypes.create_string_buffer(b"x")
    part = struct.pack("PL", ctypes.addressof(data), 1)
    parts = ctypes.create_string_buffer(part, len(part))
    rights = struct.pack("=Qii", 16 + 4 * len(passed), 1, 1) + struct.pack("%di" % len(passed), *passed)
    rights += b"\0" * (-len(rights) % 8)
    control = ctypes.create_string_buffer(rights, len(rights))
    head = struct.pack("PIxxxxPLPLi", 0, 0, ctypes.addressof(parts), 1, ctypes.addressof(control), len(rights), 0)
    # As sendmmsg wants it: with a length behind it.
    message = ctypes.create_string_buffer(head + b"\0" * (64 - len(head)), 64)
    result = raw(call, at, message, *([0] if call == "sendmsg" else [1, 0]))[1]
    return result or "ok"


memory = os.open("/tmp/held", os.O_CREAT | os.O_RDWR)
os.ftruncate(memory, _query["bytes"])
for offset in range(0, _query["bytes"], 1 << 16):
    os.pwrite(memory, b"\1" * (1 << 16), offset)
answers = {"sendmsg": set(), "sendmmsg": set()}
kept = []
for at in _query["numbers"]:
    for call in answers:
        one, other = socket.socketpair()
        kept += [one, other]
        if at not in (one.fileno(), other.fileno()):
            os.dup2(one.fileno(), at)
        passed = [4, memory, other.fileno(), one.fileno()]
        answers[call].add(send(call, at, passed))
return {call: sorted(seen) for call, seen in answers.items()}
