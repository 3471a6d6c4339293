# Values in n8n's forms: a result as `json.dumps(default=str)` makes it, what is printed as n8n's runner sends it.


class ResultForms(Forms):
    """Of types that JSON does not have, their `str`; errors as the standard encoder words them."""

    containers = {dict, list, tuple}

    def plain(self, value):
        for base, make in BASES:
            if isinstance(value, base):
                return make(value)
        return str.__getitem__(str(value), ALL)

    def keys(self, value):
        """Of two keys with the same text, the last one counts."""
        members = {}
        for key, member in value.items():
            if isinstance(key, str):
                text = str.__getitem__(key, ALL)
            elif isinstance(key, float):
                text = word_of(key) if number(key) is None else float.__repr__(key)
            elif key is None or isinstance(key, bool):
                text = constant(key)
            elif isinstance(key, int):
                text = integer(int.__int__(key))
            else:
                raise TypeError("keys must be str, int, float, bool or None, not " + type(key).__name__)
            members[text] = member
        return members

    def whole(self, text, stack):
        if self.surrogates == "error":
            text.encode()
        return super().whole(text, stack)

    def placed(self, error, stack):
        if str(error) == "circular reference":
            return ValueError("Circular reference detected")
        if str(error).startswith("an integer of more than"):
            return ValueError("Exceeds the limit (4300 digits) for integer string conversion; use sys.set_int_max_str_digits() to increase the limit")
        return error


class TaskResults(Results):
    forms = ResultForms


def dumped(value):
    """As n8n's runner shows what is no scalar."""
    from _json import encode_basestring, make_encoder

    encoder = make_encoder({}, text_of, encode_basestring, None, ": ", ", ", False, False, True)
    try:
        return "".join(encoder(value, 0))
    except (TypeError, ValueError, RecursionError):
        return "[Circular %s]" % type(value).__name__


def parameter(value):
    if isinstance(value, str):
        return "'%s'" % str.__str__(value)
    if value is None or isinstance(value, (bool, int, float)):
        return str(value)
    return dumped(value)


# Characters of one call.
LONGEST_PRINT = (1 << 20) + 2
MORE_CALLS = "[Output truncated - %d more print statements]"
MORE_TEXT = "... [Output truncated - %d more characters]"


class Prints:
    """Each call of `print` as a frame whose text is an array of parameters: the first hundred, so far as there is room."""

    def __init__(self, room):
        self.room, self.calls = room, 0
        self.real = builtins.print

    def function(self):
        def print(*values, sep=" ", end="\n", file=None, flush=False):
            ours = file is None and sys.stdout is STDOUT or file is STDOUT
            if not ours or posix.getpid() != PID:
                return self.real(*values, sep=sep, end=end, file=file, flush=flush)
            self.calls += 1
            if self.calls <= 100:
                self.send(*map(parameter, values))

        return print

    def send(self, *parameters):
        told = self.told(parameters, self.room)
        if len(told.encode()) > self.room:
            told = self.told(parameters, self.room // 6)  # as many bytes has a character at most
        self.room -= len(told.encode())
        say("print", told)

    def told(self, parameters, room):
        left, kept = max(min(LONGEST_PRINT, room), 0), []
        for text in parameters:
            kept.append(text if len(text) <= left else text[:left] + MORE_TEXT % (len(text) - left))
            left -= len(text)
            if left < 0:
                break
        return "[" + ",".join([quote(escaped(text)) for text in kept]) + "]"

    def end(self):
        more, self.calls = self.calls - 100, 0
        if more > 0:
            say("print", "[" + quote(MORE_CALLS % more) + "]")
