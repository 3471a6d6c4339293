# Values as JSON. None, bool, int, float, str, list, tuple, dict and their subclasses become JSON; dict keys may be str, int, float, bool and None, written as
# text. numpy scalars and arrays become numbers and lists. Anything else becomes str(value): sets, bytes, dates, Decimals, exceptions.
# An error that names the place: NaN and infinity, integers of more than 4,300 digits, lone surrogates, cycles, other keys, two keys with the same text.
# limits.result_size is held here before anything is written; a frame that is too long is announced with its length and not sent, so that the supervisor
# sees the limit exceeded. Depth and count of values are held by the supervisor's decoder.
#
# One loop over the open containers, so that no depth is too much, and a running count, so that no size is.

ESCAPES = [("\\", "\\\\"), ('"', '\\"'), ("\n", "\\n"), ("\r", "\\r"), ("\t", "\\t")]
ESCAPES += [(chr(code), "\\u%04x" % code) for code in range(32) if code not in (9, 10, 13)]
INFINITY = float("inf")
SMALL = 10**18


def quote(text):
    if text.isprintable():
        if '"' in text or "\\" in text:
            text = text.replace("\\", "\\\\").replace('"', '\\"')
        return '"' + text + '"'
    if not text.isascii():
        try:
            text.encode()
        except UnicodeEncodeError as error:
            raise ValueError("a string with a lone surrogate (%r at %d) cannot be sent as JSON" % (text[error.start], error.start)) from None
    for character, escape in ESCAPES:
        if character in text:
            text = text.replace(character, escape)
    return '"' + text + '"'


def integer(value):
    if not -SMALL < value < SMALL and value.bit_length() > 14000 and abs(value) >= 10**4300:
        raise ValueError("an integer of more than 4300 digits cannot be sent as JSON")
    return repr(value)


def number(value):
    if value != value or value in (INFINITY, -INFINITY):
        raise ValueError("%r cannot be sent as JSON; return None or a string instead" % value)
    return repr(value)


def constant(value):
    return "null" if value is None else "true" if value else "false"


SCALARS = {str: quote, int: integer, float: number, bool: constant, type(None): constant}
CONTAINERS = {dict, list, tuple}
TEXT = {str}
ALL = slice(None)


def plain(value):
    """A value of a basic type: subclasses by their base, numpy by its own conversion, the rest as text."""
    for base, make in (
        (str, lambda: str.__getitem__(value, ALL)),
        (int, lambda: int.__int__(value)),
        (float, lambda: float.__float__(value)),
        (dict, lambda: dict(value)),
        (list, lambda: list.__getitem__(value, ALL)),
        (tuple, lambda: list(tuple.__iter__(value))),
    ):
        if isinstance(value, base):
            return make()
    if type(value).__module__ == "numpy" and hasattr(value, "tolist"):
        made = value.tolist()
        if type(made) in SCALARS or type(made) is list:
            return made
    return str.__getitem__(str(value), ALL)


def text_keys(value):
    """The members of a dict with keys that are not all text."""
    members = {}
    for key, member in value.items():
        kind = type(key)
        if kind not in SCALARS and (isinstance(key, (str, int, float)) or kind.__module__ == "numpy"):
            key = plain(key)
        elif kind not in SCALARS:
            raise TypeError("keys must be str, int, float, bool or None, not " + kind.__name__)
        text = key if type(key) is str else SCALARS[type(key)](key)
        if text in members:
            raise ValueError("two keys of a dict are the same as JSON text: %r" % text[:100])
        members[text] = member
    return members


def place(stack):
    """Where the value stands: what an iterator over a container has left tells how far it is."""
    path = "the result"
    for values, container, _, _ in stack[1:]:
        index = len(container) - values.__length_hint__() - 1
        path += "[%.60r]" % ([*container][index] if type(container) is dict else index,)
    return path[:300]


def encode(root, room):
    """JSON as UTF-8, and its length. Once that is over `room` the text ends early and the length is what was seen of it."""
    done, parts, size, mark = bytearray(), [], 0, 0
    keys, scalar = {}, SCALARS.get
    # Open containers: iterator over the rest, container, closing text, and the value it was made from, which must not be met inside.
    stack, active, comma = [(iter((root,)), (root,), "", None)], set(), ""
    try:
        while stack:
            if size >= mark:
                done += "".join(parts).encode()
                parts.clear()
                size = len(done)
                mark = size + 65536
                if size > room:
                    break
            values, _, end, owner = stack[-1]
            for value in values:
                if end == "}":
                    key, value = value
                    if key not in keys:
                        if len(keys) > 999:
                            keys.clear()
                        keys[key] = quote(key) + ":"
                    comma += keys[key]
                origin, kind = value, type(value)
                write = scalar(kind)
                if write is None and kind not in CONTAINERS:
                    value = plain(value)
                    kind = type(value)
                    write = scalar(kind)
                if write is not None:
                    if kind is str and len(value) > room:
                        return done, size + len(value)
                    comma += write(value)
                    parts.append(comma)
                    size += len(comma)
                    comma = ","
                    if size >= mark:
                        break
                    continue
                if id(origin) in active:
                    raise ValueError("circular reference")
                active.add(id(origin))
                if kind is dict:
                    if not {*map(type, value)} <= TEXT:
                        value = text_keys(value)
                    stack.append((iter(value.items()), value, "}", origin))
                    comma += "{"
                else:
                    stack.append((iter(value), value, "]", origin))
                    comma += "["
                parts.append(comma)
                size += len(comma) + 1
                comma = ""
                break
            else:
                parts.append(end)
                active.discard(id(owner))
                stack.pop()
                comma = ","
    except (ValueError, TypeError) as error:
        if type(error) not in (ValueError, TypeError):
            raise
        raise type(error)("%s: %s" % (attempt(place, "the result", stack), error)) from None
    done += "".join(parts).encode()
    return done, len(done)


class Results:
    """Sends values within limits.result_size, which counts whole frames that carry one."""

    def __init__(self, room):
        self.room = room

    def frame(self, head, value):
        """What carries a value; one that is too long ends the run with its length."""
        text, size = encode(value, self.room)
        size += len(head) + 1
        if size > self.room:
            finish(head, 1, size)
        self.room -= size
        return head + text + b"}"
