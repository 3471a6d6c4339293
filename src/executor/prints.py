# What functions print and write: frames, so that all of it has one order. `print` sends its text and the values, unless it is given a file or sys.stdout was
# replaced; `sys.stdout` and `sys.stderr` write through and send text. Lone surrogates are escaped. A child, or a descriptor 1 or 2 that is no longer the one that
# was handed over, is written to as it is. A program's `print` and streams are Python's own.

from _codecs import utf_8_decode
from _io import TextIOWrapper, _RawIOBase

# Characters of one frame, at most 64 KiB; longer text goes on in the next.
ASCII, OTHER = 1 << 16, 1 << 14
VALUES = 1 << 16


def escaped(text):
    """Text that UTF-8 can hold: lone surrogates are spelled out."""
    return text if text.isascii() else text.encode("utf-8", "backslashreplace").decode()


def say(kind, text, more=""):
    head = '{"kind":"%s","text":' % kind
    if len(text) <= OTHER:
        return send((head + quote(text) + more + "}").encode())
    most = ASCII if text.isascii() else OTHER
    with LOCK:
        for start in range(0, len(text), most):
            send((head + quote(text[start : start + most]) + more + "}").encode())
            more = ',"continues":true'


def text_of(value):
    try:
        return str.__str__(str(value))
    except Exception:
        return repr(value)


def shown(value, room):
    """A value as JSON; what is no JSON is text. `room`: how many characters are left, in a list."""
    if isinstance(value, str):
        text = quote(escaped(str.__str__(value)))
    elif value is None or isinstance(value, bool):
        text = constant(value)
    elif isinstance(value, int):
        text = integer(int.__int__(value))
    elif isinstance(value, float):
        text = float.__repr__(value)
        text = quote(text) if text[-1] in "fn" else text
    elif isinstance(value, (dict, list, tuple)):
        base = [base for base in (dict, list, tuple) if isinstance(value, base)][0]
        room[0] -= 2
        if base.__len__(value) > room[0]:
            raise OverflowError
        if base is dict:
            return "{" + ",".join([shown(str(key), room) + ":" + shown(member, room) for key, member in dict.items(value)]) + "}"
        return "[" + ",".join([shown(member, room) for member in base.__iter__(value)]) + "]"
    else:
        text = quote(escaped(text_of(value)))
    room[0] -= len(text) + 1
    if room[0] < 0:
        raise OverflowError
    return text


JSON = (str, int, float, dict, list, tuple, type(None))


def values_of(values, texts, room):
    """What was printed, as a member of the frame; nothing where that is too much, or cannot be told."""
    room = [room]
    try:
        told = [shown(value if isinstance(value, JSON) else text, room) for value, text in zip(values, texts)]
    except (ValueError, OverflowError, RecursionError, MemoryError):
        return ""
    more = ',"values":[' + ",".join(told) + "]"
    return more if more.isascii() or len(more.encode()) <= VALUES else ""


def make_print(left):
    """`left`: bytes of values that are still worth sending."""
    real = builtins.print

    def print(*values, sep=" ", end="\n", file=None, flush=False):
        nonlocal left
        ours = file is None and sys.stdout is STDOUT or file is STDOUT or file is STDERR
        if not ours or posix.getpid() != PID:
            return real(*values, sep=sep, end=end, file=file, flush=flush)
        for name, given in (("sep", sep), ("end", end)):
            if given is not None and not isinstance(given, str):
                raise TypeError("%s must be None or a string, not %s" % (name, type(given).__name__))
        texts = [*map(str, values)]
        text = (" " if sep is None else sep).join(texts) + ("\n" if end is None else end)
        if file is not None:
            file.write(text)
        elif text:
            more = values_of(values, texts, min(left, VALUES) - 16)
            left -= len(more)
            say("print", escaped(text), more)

    return print


def pipe_of(descriptor):
    try:
        found = posix.fstat(descriptor)
        return found.st_dev, found.st_ino
    except OSError:
        return None


class Stream(_RawIOBase):
    """What is beneath sys.stdout and sys.stderr."""

    def __init__(self, kind, descriptor, name):
        self.kind, self.descriptor, self.name = kind, descriptor, name
        self.pipe, self.rest = pipe_of(descriptor), b""

    def writable(self):
        return True

    def fileno(self):
        return self.descriptor

    def write(self, data):
        data = bytes(data)
        if posix.getpid() != PID or pipe_of(self.descriptor) != self.pipe:
            rest = data
            while rest:
                rest = rest[posix.write(self.descriptor, rest):]
            return len(data)
        self.send(data)
        return len(data)

    def send(self, data, final=False):
        data = self.rest + data
        text, used = utf_8_decode(data, "replace", final)
        self.rest = data[used:]
        if text:
            say(self.kind, text)


def stream(kind, real, descriptor):
    made = TextIOWrapper(Stream(kind, descriptor, real.name), "utf-8", real.errors, "\n", write_through=True)
    made.mode = "w"
    return made


def settle_streams():
    global STDOUT, STDERR
    STDOUT, STDERR = stream("out", STDOUT, 1), stream("err", STDERR, 2)
    sys.stdout = sys.__stdout__ = STDOUT
    sys.stderr = sys.__stderr__ = STDERR


def end_streams():
    """Characters that never got their end."""
    for text in (STDOUT, STDERR):
        if posix.getpid() == PID and type(text.buffer) is Stream:
            text.buffer.send(b"", True)
