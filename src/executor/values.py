# Values as JSON. None, bool, int, float, str, list, tuple, dict, range and their subclasses become JSON; `forms.py` has what becomes of other types. Keys of
# a dict may be whatever becomes a scalar, written as text.
# An error that names the place as a JSON path: integers of more than 4,300 digits, cycles, two keys with the same text, what has no form. Of what JSON has no
# word for (NaN, infinities, half surrogate pairs), `result` of the policy says what becomes of it; all of it is counted, the first ten places are named.
# limits.result_size is held here before anything is written; a frame that is too long is announced with its length and not sent, so that the supervisor
# sees the limit exceeded. Depth and count of values are held by the supervisor's decoder.
#
# One loop over the open containers, so that no depth is too much, and a running count, so that no size is.

ESCAPES = [("\\", "\\\\"), ('"', '\\"'), ("\n", "\\n"), ("\r", "\\r"), ("\t", "\\t")]
ESCAPES += [(chr(code), "\\u%04x" % code) for code in range(32) if code not in (9, 10, 13)]
INFINITY = float("inf")
SMALL = 10**18


def quote(text):
    """None: half a surrogate pair is in it."""
    if text.isprintable():
        if '"' in text or "\\" in text:
            text = text.replace("\\", "\\\\").replace('"', '\\"')
        return '"' + text + '"'
    if not text.isascii():
        try:
            text.encode()
        except UnicodeEncodeError:
            return None
    for character, escape in ESCAPES:
        if character in text:
            text = text.replace(character, escape)
    return '"' + text + '"'


def integer(value):
    if not -SMALL < value < SMALL and value.bit_length() > 14000 and abs(value) >= 10**4300:
        raise ValueError("an integer of more than 4300 digits is no JSON that others read: str(x) keeps its digits where sys.set_int_max_str_digits(0) was called")
    return repr(value)


def number(value):
    """None: it is not finite."""
    return repr(value) if -INFINITY < value < INFINITY else None


def constant(value):
    return "null" if value is None else "true" if value else "false"


SCALARS = {str: quote, int: integer, float: number, bool: constant, type(None): constant}
CONTAINERS = {dict, list, tuple, range}
TEXT = {str}


def word_of(value):
    return "NaN" if value != value else "Infinity" if value > 0 else "-Infinity"


def paired(text):
    """With U+FFFD for each half of a surrogate pair."""
    return text.encode("utf-16", "surrogatepass").decode("utf-16", "replace")


class Forms:
    """What `result` of the policy says of values without a form in JSON, and which of them were met."""

    def __init__(self, result, root="$"):
        self.nan, self.pandas, self.surrogates, self.root = result["nan"], result["pandas"], result["surrogates"], root
        self.count, self.numbers, self.first = 0, 0, []

    containers = CONTAINERS

    def plain(self, value):
        """A value of a basic type."""
        return plain(value, self)

    def placed(self, error, stack):
        """An error with the place of its value."""
        made = type(error)("%s: %s" % (attempt(place, self.root, stack, self.root), error))
        made.description = getattr(error, "description", "")
        return made

    def note(self, stack, word):
        if len(self.first) < 10:
            self.first.append({"at": attempt(place, self.root, stack, self.root), "was": word})
        self.count += 1
        self.numbers += word != "surrogate"

    def odd(self, value, stack):
        """JSON for what `number` and `quote` have none for."""
        if type(value) is str:
            return quote(self.whole(value, stack))
        word = word_of(value)
        self.note(stack, word)
        return '"' + word + '"' if self.nan == "string" else "null"

    def whole(self, text, stack):
        if self.surrogates == "error":
            at = next(at for at, character in enumerate(text) if "\ud800" <= character <= "\udfff")
            error = ValueError("a string with half a surrogate pair (%r at %d) is no text that others read" % (text[at], at))
            error.description = 'x.encode("utf-8", "replace").decode() makes it plain; result.surrogates of the policy ("replace") does it to all'
            raise error
        self.note(stack, "surrogate")
        return paired(text)

    def whole_key(self, key, stack):
        text = self.whole(key, stack)
        if [*map(paired, stack[-1][1])].count(text) > 1:
            raise ValueError("two keys of a dict are the same once half surrogate pairs are replaced: %r" % text[:100])
        return quote(text) + ":"

    def key(self, key):
        """The text of a key, whose own form is a scalar."""
        kind = type(key)
        if kind not in SCALARS:
            key = plain(key, self)
            if type(key) not in SCALARS:
                raise TypeError("a key of type %s has no text: keys are text, numbers, dates and the like" % name_of(kind))
        if type(key) is float and number(key) is None:
            if self.nan == "error":
                raise ValueError("%s is a key, and no number that JSON has a word for" % word_of(key))
            return word_of(key)
        return key if type(key) is str else SCALARS[type(key)](key)

    def keys(self, value):
        """The members of a dict with keys that are not all text."""
        members = {}
        for key, member in value.items():
            text = self.key(key)
            if text in members:
                raise ValueError("two keys of a dict are the same as JSON text: %r" % text[:100])
            members[text] = member
        return members

    def check(self):
        """Raises where there were numbers that are not to be."""
        if self.nan != "error" or not self.numbers:
            return
        named = ["%s at %s" % (spot["was"], spot["at"]) for spot in self.first if spot["was"] != "surrogate"]
        if self.numbers > len(named):
            named.append("...")
        error = ValueError("%d number%s that JSON has no word for: %s" % (self.numbers, "s"[self.numbers == 1:], ", ".join(named)))
        error.description = 'replace them (by None, or a text), or choose result.nan of the policy: "null" or "string"'
        raise error

    def told(self):
        """What the frame says of it, after the value."""
        if not self.count:
            return b""
        return b',"replaced":' + bytes(encode({"count": self.count, "first": self.first}, 1 << 16, self)[0])


PLAIN = Forms({"nan": "null", "pandas": "error", "surrogates": "replace"})


def place(stack, path):
    """Where the value stands, as a JSON path: what an iterator over a container has left tells how far it is."""
    for values, container, _, _ in stack[1:]:
        index = len(container) - values.__length_hint__() - 1
        if type(container) is dict:
            key = [*container][index]
            path += "." + key if key.isidentifier() and len(key) < 60 else "[%.60r]" % key
        else:
            path += "[%d]" % index
    path = escaped(path)
    return path if len(path) <= 300 else path[:297] + "..."


def encode(root, room, forms):
    """JSON as UTF-8, and its length. Once that is over `room` the text ends early and the length is what was seen of it."""
    done, parts, size, mark = bytearray(), [], 0, 0
    keys, scalar, containers = {}, SCALARS.get, forms.containers
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
                    text = keys.get(key)
                    if text is None:
                        if len(keys) > 999:
                            keys.clear()
                        text = quote(key)
                        if text is None:
                            text = forms.whole_key(key, stack)
                        else:
                            text = keys[key] = text + ":"
                    comma += text
                origin, kind = value, type(value)
                write = scalar(kind)
                if write is None and kind not in containers:
                    value = forms.plain(value)
                    kind = type(value)
                    write = scalar(kind)
                if write is not None:
                    if kind is str and len(value) > room:
                        return done, size + len(value)
                    text = write(value)
                    comma += forms.odd(value, stack) if text is None else text
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
                        value = forms.keys(value)
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
        raise forms.placed(error, stack) from None
    done += "".join(parts).encode()
    return done, len(done)


class Results:
    """Sends values within limits.result_size, which counts whole frames that carry one."""

    forms = Forms

    def __init__(self, room, result):
        self.room, self.result, self.count, self.failed = room, result, 0, False

    def frame(self, head, value, root="$"):
        """What carries a value; one that is too long ends the run with its length."""
        forms = self.forms(self.result, root)
        text, size = encode(value, self.room, forms)
        forms.check()
        tail = forms.told() + b"}"
        size += len(head) + len(tail)
        if size > self.room:
            finish(head, 1, size)
        self.room -= size
        return head + text + tail

    def item(self, index, value):
        """The same for an item, which is one more of the array that the outcome has."""
        frame = self.frame(b'{"kind":"item","index":%d,"value":' % index, value, "$[%d]" % self.count)
        self.count += 1
        return frame

    def failure(self, frame):
        """An item that is an exception: one more too, and it counts as a value does."""
        if len(frame) > self.room:
            finish(frame[:64], 1, len(frame))
        self.room -= len(frame)
        self.count += 1
        return frame
