# The code's text: what is given as text is that, whatever it says of its encoding; what a file has is in the encoding that it names, as Python reads it
# (PEP 263). Nothing is imported to look: a module beside the code could have the name.


def encoding_of(data):
    """What the first two lines name, without looking whether there is such a thing; None where they name none."""
    if data.startswith(b"\xef\xbb\xbf"):
        return "utf-8-sig"
    for line in data[: 1 << 12].replace(b"\r", b"\n").split(b"\n")[:2]:
        comment = line.lstrip(b" \t\f")
        if comment and not comment.startswith(b"#"):
            break
        for rest in comment.split(b"coding")[1:]:
            rest = rest[1:].lstrip(b" \t") if rest[:1] in (b":", b"=") else b""
            name = rest[: len(rest) - len(rest.lstrip(b"abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_."))]
            if name:
                return name.decode()
    return None


def text_of_code(code):
    """Text to be shown."""
    if type(code) is str:
        return code
    return attempt(lambda: code.decode(encoding_of(code) or "utf-8", "replace"), None) or code.decode("utf-8", "replace")


def bytes_of_code(code):
    """What a file of it has."""
    if type(code) is bytes:
        return code
    data = code.encode()
    return data if data.isascii() else attempt(lambda: code.encode(encoding_of(data) or "utf-8"), data)


def readable(code, file):
    """The same code, to be compiled: as text, where it is UTF-8 and does not say so. Of such bytes Python counts columns wrong, and reads what it would not
    read of a file."""
    if type(code) is bytes and encoding_of(code) is None:
        try:
            return code.decode()
        except UnicodeDecodeError as error:
            line = code.count(b"\n", 0, error.start) + 1
            told = "Non-UTF-8 code starting with '\\x%02x' on line %d, but no encoding declared; see https://peps.python.org/pep-0263/ for details"
            raise SyntaxError(told % (code[error.start], line), (file, line, None, None)) from None
    return code
