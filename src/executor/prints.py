# `print` of functions: `print` frames with the text that would have been printed, unless it is given a file or sys.stdout was replaced. Lone surrogates
# are escaped. A program's `print` is Python's own.


def escaped(text):
    """Text that UTF-8 can hold: lone surrogates are spelled out."""
    return text if text.isascii() else text.encode("utf-8", "backslashreplace").decode()


def make_print(left):
    real = builtins.print

    def print(*values, sep=" ", end="\n", file=None, flush=False):
        nonlocal left
        if file is not None or sys.stdout is not STDOUT or posix.getpid() != PID:
            return real(*values, sep=sep, end=end, file=file, flush=flush)
        for name, given in (("sep", sep), ("end", end)):
            if given is not None and not isinstance(given, str):
                raise TypeError("%s must be None or a string, not %s" % (name, type(given).__name__))
        text = (" " if sep is None else sep).join(map(str, values)) + ("\n" if end is None else end)
        if not text or left < 0:
            return
        # One character over the limit is enough to be stopped for it.
        text = escaped(text[: left + 1])
        left -= max(len(text.encode()), 16)
        send(b'{"kind":"print","text":' + quote(text).encode() + b"}")

    return print
