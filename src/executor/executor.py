# The program inside a run: reads the job, runs the user's code, writes frames. CPython 3.9 and later, standard library only.
#
# Always holds: imports nothing that a bare `python -I -S` has not loaded already (`import json` alone doubles the start); what it says is a claim of
# the run, never evidence; a frame is written by the first process only, and after `done` or `error` nothing of the run's Python code runs any more.
#
# How it is started: `bootstrap.py` is the `-c` text; it reads this program, compiled by the same interpreter, from /remand/executor and runs it.
# Descriptors: 3 is the job (marshal, read to end of file, closed), 4 takes frames: 4 bytes of big-endian length, then JSON (see policy/src/frames.rs).
#
# Code. The text is a function body: `return` gives the value, no `return` gives None, empty code too. Its syntax tree is put into a function (or the text is
# indented, where that is the same), so line numbers and strings are the user's. Leading `from __future__` imports work. `yield` and `await` outside a function of the
# user's own, and `nonlocal`, are SyntaxErrors. Names are locals; `global` works, and in per_item mode every item starts with fresh globals.
# `__name__` is "__main__". `exit(n)`, `quit(n)` and `sys.exit(n)` end as an `error` frame of type SystemExit, whatever n; `os._exit` leaves no frame.
# Threads that still run when the code returns end with it; atexit handlers are not called. A forked child that returns from the code ends without a frame.
#
# Values. None, bool, int, float, str, list, tuple, dict and their subclasses become JSON; dict keys may be str, int, float, bool and None, written as
# text. numpy scalars and arrays become numbers and lists. Anything else becomes str(value): sets, bytes, dates, Decimals, exceptions.
# An error that names the place: NaN and infinity, integers of more than 4,300 digits, lone surrogates, cycles, other keys, two keys with the same text.
# limits.result_size is held here before anything is written; a frame that is too long is announced with its length and not sent, so that the supervisor
# sees the limit exceeded. Depth and count of values are held by the supervisor's decoder.
# per_item: None drops the item; a dict with `json` or `binary` gives those; anything else is the `json`. An item is sent as
# {"json": ..., "binary": ..., "pairedItem": {"item": index}} (binary only if given), as n8n does; what else stood beside `json` is dropped.
# all_items: the value is sent as it is; its shape is for whoever asked.
#
# print writes `print` frames with the text that would have been printed, unless it is given a file or sys.stdout was replaced. Lone surrogates are escaped.
#
# The import lists and denied builtins are a friendly layer with clear messages, never a protection: user code can get around them, not out of the run.

import sys
import builtins
import marshal
import posix
import _signal
from _thread import RLock

FRAMES = 4
leave = posix._exit
PID = posix.getpid()
CODE = "<code>"
mask, BLOCK, SIGNALS = _signal.pthread_sigmask, _signal.SIG_BLOCK, _signal.valid_signals()
STDOUT, STDERR = sys.stdout, sys.stderr


# Frames. A signal handler of the user's may print, or raise, in the middle of a frame. So each frame waits in the queue with the counts of what `write`
# took of it, which `extend` stores without a bytecode in between; whoever comes next sends what is left.

LOCK = RLock()
queue = []
writing = closed = False


def send(frame, final=False, length=None):
    global writing, closed
    with LOCK:
        if closed:
            return
        closed = final
        length = min(len(frame) if length is None else length, 0xFFFFFFFF)
        queue.append((length.to_bytes(4, "big") + frame, []))
        # Left by a handler that raised before it could be taken back, if this is the last: no handler comes in between any more.
        if writing and not final:
            return
        writing = True
        try:
            while queue:
                data, counts = queue[0]
                rest = data[sum(counts):]
                if rest:
                    counts.extend(map(posix.write, (FRAMES,), (rest,)))
                else:
                    del queue[0]
        finally:
            writing = False


def finish(frame, code, length=None):
    """The last frame: output is flushed before it, no signal handler and no other thread comes after it."""
    for stream in (STDOUT, STDERR):
        try:
            stream.flush()
        except BaseException:
            pass
    if posix.getpid() == PID:
        mask(BLOCK, SIGNALS)
        send(frame, True, length)
    leave(code)


# JSON text. One loop over the open containers, so that no depth is too much, and a running count, so that no size is.

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

    def send(self, head, value, final):
        text, size = encode(value, self.room)
        size += len(head) + 1
        if size > self.room:
            finish(head, 1, size)
        self.room -= size
        if final:
            finish(head + text + b"}", 0)
        send(head + text + b"}")


# Print.


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


# Errors.


def clip(text, most):
    """Exact, encodable text of bounded length from whatever the code made of it."""
    text = str.__getitem__(text, slice(most + 1))
    return escaped(text if len(text) <= most else text[:most] + "...")


def message_of(error):
    try:
        return clip(str(error), 4000)
    except BaseException:
        return "<the exception's __str__ failed>"


def class_of(error):
    return clip(type.__dict__["__name__"].__get__(type(error)), 200)


def user_frames(error):
    """(line, function) of the user's own frames, outermost first: the first and the last ten, and how many are left out between."""
    first, last, count = [], [], 0
    trace = BaseException.__traceback__.__get__(error)
    while trace is not None:
        code = trace.tb_frame.f_code
        if code.co_filename == CODE:
            count += 1
            if count <= 10:
                first.append((trace.tb_lineno, code.co_name))
            else:
                last.append((trace.tb_lineno, code.co_name))
                del last[:-10]
        trace = trace.tb_next
    return first, last, count - len(first) - len(last)


def stack_of(error, lines):
    first, last, hidden = user_frames(error)
    text = []
    for line, name in first + last:
        if hidden and len(text) == 10:
            text.append("  ... %d more calls\n" % hidden)
        source = lines[line - 1].strip() if line and line <= len(lines) else ""
        text.append('  File "%s", line %s, in %s\n' % (CODE, line, name[:100]) + ("    %s\n" % source[:200] if source else ""))
    if text:
        text.insert(0, "Traceback (most recent call last):\n")
    if isinstance(error, SyntaxError) and error.filename == CODE and error.lineno:
        source = lines[error.lineno - 1] if error.lineno <= len(lines) else ""
        text.append('  File "%s", line %d\n    %s\n' % (CODE, error.lineno, source.strip()[:200]))
    return "".join(text) + clip("%s: %s" % (class_of(error), message_of(error)), 1000) + "\n"


def story_of(error, lines):
    """The exception with those that it came from, oldest first, as Python prints them."""
    parts, seen = [stack_of(error, lines)], [error]
    while len(seen) < 4:
        cause = BaseException.__cause__.__get__(error)
        link = "\nThe above exception was the direct cause of the following exception:\n\n"
        if cause is None and not BaseException.__suppress_context__.__get__(error):
            cause = BaseException.__context__.__get__(error)
            link = "\nDuring handling of the above exception, another exception occurred:\n\n"
        if cause is None or any(cause is other for other in seen):
            break
        parts += [link, stack_of(cause, lines)]
        seen.append(cause)
        error = cause
    return clip("".join(reversed(parts)), 8000)


def line_of(error):
    first, last, _ = user_frames(error)
    if first:
        return (last or first)[-1][0]
    if isinstance(error, SyntaxError) and error.filename == CODE:
        return error.lineno
    return None


def denied_of(error, denied):
    """The list of the policy that stood in the way, and what it kept from the code."""
    if isinstance(error, ImportError) and getattr(error, "denied_by", "") in ("stdlib_allow", "external_allow"):
        return error.denied_by, clip(str.__str__(error.name), 200)
    if isinstance(error, NameError):
        name = (message_of(error).split("'") + [""])[1] or "__build_class__"
        if name in denied:
            return "builtins_deny", name
    return None


def description_of(error, kept):
    given = getattr(error, "description", "")
    if isinstance(given, str) and given:
        return clip(given, 4000)
    if kept and kept[0] == "builtins_deny":
        return "python.builtins_deny of the policy takes %r from the code" % kept[1]
    return ""


def attempt(function, otherwise, *arguments):
    try:
        return function(*arguments)
    except BaseException:
        return otherwise


def fail(error, item, code, denied):
    attempt(sys.setrecursionlimit, None, 1000)
    lines = code.replace("\r\n", "\n").replace("\r", "\n").split("\n")
    if posix.getpid() != PID:
        if isinstance(error, SystemExit) and (error.code is None or type(error.code) is int):
            finish(b"", (error.code or 0) & 255)
        attempt(lambda: STDERR.write(story_of(error, lines)), None)
        finish(b"", 1)
    line = attempt(line_of, None, error)
    kept = attempt(denied_of, None, error, denied)
    account = {
        "type": attempt(class_of, "Exception", error),
        "message": message_of(error),
        "description": attempt(description_of, "", error, kept),
        "stack": attempt(story_of, "", error, lines),
        "line": line if type(line) is int and line > 0 else None,
        "item": item,
    }
    if kept:
        account["denied"] = {"list": kept[0], "name": kept[1]}
    finish(b'{"kind":"error",' + bytes(encode(account, 1 << 17)[0][1:]), 1)


# The friendly layer.


def make_import(security, site_paths):
    real = builtins.__import__
    standard_allow, external_allow = security["stdlib_allow"], security["external_allow"]
    standard_path, extended = [*sys.path], not site_paths

    def standard(name):
        names = getattr(sys, "stdlib_module_names", None)
        if names is not None:
            return name in names
        # 3.9 has no list. What is built in, or found where the bare interpreter looks, is the standard library.
        finder = sys.modules["_frozen_importlib_external"].PathFinder
        return name in sys.builtin_module_names or finder.find_spec(name, standard_path) is not None

    def check(name):
        nonlocal extended
        if standard_allow == ["*"] and external_allow == ["*"] and extended:
            return
        is_standard = standard(name)
        field, allow = ("stdlib_allow", standard_allow) if is_standard else ("external_allow", external_allow)
        if "*" not in allow and name not in allow:
            what = "standard library module" if is_standard else "external package"
            error = ImportError("import of %s %r is not allowed by python.%s of the policy" % (what, name, field), name=name)
            listed = ", ".join(sorted(allow))
            error.description = "python.%s allows: %s" % (field, (listed[:300] + "..." if len(listed) > 300 else listed) or "nothing")
            error.denied_by = field
            raise error
        if not is_standard and not extended:
            extended = True
            sys.path.extend(site_paths)

    def __import__(name, globals=None, locals=None, fromlist=(), level=0):
        # Imports that C code makes on its own account (datetime loading _strptime) come with a list.
        if level == 0 and type(fromlist) is not list and isinstance(name, str):
            check(name.partition(".")[0])
        return real(name, globals, locals, fromlist, level)

    return __import__


def exit(code=None):
    raise SystemExit(code)


def make_builtins(security, site_paths):
    names = {**builtins.__dict__, "exit": exit, "quit": exit, "__import__": make_import(security, site_paths)}
    for name in security["builtins_deny"]:
        names.pop(name, None)
    return names


# The code.


def find_yield(nodes):
    """Line of the first `yield` that belongs to the code itself, not to a function inside it."""
    nodes, lines = [*nodes], []
    while nodes:
        node = nodes.pop()
        name = type(node).__name__
        if name in ("Yield", "YieldFrom"):
            lines.append(node.lineno)
        elif name not in ("FunctionDef", "AsyncFunctionDef", "Lambda"):
            for field in getattr(node, "_fields", ()):
                inner = getattr(node, field, None)
                nodes += inner if isinstance(inner, list) else [inner]
    return min(lines, default=None)


def is_future(node):
    return type(node).__name__ == "ImportFrom" and node.module == "__future__"


def from_tree(text):
    """The code of a function whose body is the text: its syntax tree, put into a function."""
    try:
        body = compile(text, CODE, "exec", 0x400, True).body  # PyCF_ONLY_AST
    except ValueError as error:
        if isinstance(error, UnicodeError):
            raise
        raise SyntaxError(str(error)) from None
    wrapper = compile("def code():\n pass", CODE, "exec", 0x400, True)
    start = 1 if body and type(body[0]).__name__ == "Expr" else 0  # a docstring may come before
    end = start
    while end < len(body) and is_future(body[end]):
        end += 1
    wrapper.body[:0] = body[start:end]
    del body[start:end]
    wrapper.body[-1].body = body or wrapper.body[-1].body
    made = function_in(compile(wrapper, CODE, "exec", 0, True))
    if made.co_flags & 0x220:  # CO_GENERATOR, CO_ASYNC_GENERATOR
        raise SyntaxError("'yield' outside function", (CODE, find_yield(body), None, None))
    return made


def function_in(module):
    for constant in module.co_consts:
        if getattr(constant, "co_name", None) == "code":
            return constant


def may_be_indented(text, lines):
    """Whether a tab before each line changes nothing but line and column numbers: no string goes over a line's end, no form feed, no uniform indent."""
    tight = "".join(text.split())
    for mark in ('"""', "'''", "\\\n", "\f", "__future__"):
        if mark in text:
            return False
    # `f"{x=}"` holds its own source text, and fields may span lines; so do all of t-strings.
    if "=}" in tight or "=!" in tight or "=:" in tight or sys.version_info >= (3, 14) and ("t'" in text.lower() or 't"' in text.lower()):
        return False
    for line in lines:
        bare = line.strip()
        if bare and bare[0] != "#":
            return line[0] not in " \t"
    return False


def shifted(code):
    """One line up and under our file name, the functions inside too: line tables count from the first line."""
    inner = tuple([shifted(constant) if type(constant) is type(code) else constant for constant in code.co_consts])
    return code.replace(co_filename=CODE, co_firstlineno=code.co_firstlineno - 1, co_consts=inner)


def build(text):
    """A code object for the text. The first syntax tree costs an interpreter a millisecond, and so does the first `compile`, which makes ready for one. So
    simple text is indented and given to `exec`, which does not; whatever is odd about it, a warning included, is left to the tree."""
    lines = text.replace("\r\n", "\n").replace("\r", "\n").split("\n")
    if may_be_indented(text, lines):
        filters = sys.modules["_warnings"].filters
        filters.insert(0, ("error", None, SyntaxWarning, None, 0))
        try:
            defined = {"__builtins__": {}}
            exec("def code():\n\t" + "\n\t".join(lines), defined)
            made = defined["code"].__code__
            if not made.co_flags & 0x220:
                return shifted(made)
        except Exception:
            pass
        finally:
            del filters[0]
    return from_tree(text)


def call(made, namespace, names, inputs):
    namespace.clear()
    namespace.update(__name__="__main__", __builtins__=names, **inputs)
    return type(call)(made, namespace)()


def item_of(index, value):
    """As n8n's runner shapes it."""
    shaped = {"json": value}
    if isinstance(value, dict):
        if "json" in value:
            shaped["json"] = value["json"]
        elif "binary" in value:
            shaped["json"] = {key: member for key, member in value.items() if key != "binary"}
        if "binary" in value:
            shaped["binary"] = value["binary"]
    shaped["pairedItem"] = {"item": index}
    return shaped


def read_job():
    chunks = []
    while True:
        chunk = posix.read(3, 1 << 16)
        if not chunk:
            posix.close(3)
            return marshal.loads(b"".join(chunks))
        chunks.append(chunk)


def main():
    job = read_job()
    if job["version"] != 1:
        raise RuntimeError("job version %r is not mine" % (job["version"],))
    _signal.signal(_signal.SIGINT, _signal.SIG_DFL)
    _signal.signal(_signal.SIGXFSZ, _signal.SIG_DFL)  # Python ignores it; RLIMIT_FSIZE is to end the run by its own signal
    security, code, items = job["security"], job["code"], job["items"]
    if security["runner_env_deny"]:
        for name in [*posix.environ]:
            posix.unsetenv(name)
        posix.environ.clear()
    builtins.print = make_print(job["limits"]["prints"])
    names = make_builtins(security, job["site_paths"])
    results = Results(job["limits"]["result_size"])
    namespace = sys.modules["__main__"].__dict__
    item = None
    send(b'{"kind":"ready"}')
    error = None
    try:
        try:
            made = build(code)
            if job["mode"] == "all_items":
                value = call(made, namespace, names, {"_items": items, "_query": job["query"]})
                return results.send(b'{"kind":"done","value":', value, True)
            for item, given in enumerate(items):
                value = call(made, namespace, names, {"_item": given})
                if posix.getpid() != PID:
                    finish(b"", 0)
                if value is not None:
                    results.send(b'{"kind":"item","index":%d,"value":' % item, item_of(item, value), False)
            finish(b'{"kind":"done"}', 0)
        except BaseException as raised:
            error = raised
            mask(BLOCK, SIGNALS)
    except BaseException as raised:
        # A handler of the user's, in the clause above: the last one that comes.
        try:
            mask(BLOCK, SIGNALS)
        except BaseException:
            pass
        if error is None:
            error = raised
    fail(error, item, code, security["builtins_deny"])


main()
