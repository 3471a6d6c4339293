# An exception as an `error` frame: the code's own account, bounded. `places.py` tells where it was raised.


def clip(text, most):
    """Exact, encodable text of bounded length from whatever the code made of it."""
    text = str.__getitem__(text, slice(most + 1))
    return escaped(text if len(text) <= most else text[:most] + "...")


def message_of(error):
    try:
        if isinstance(error, SyntaxError) and type(error.msg) is str:
            return clip(error.msg, 4000)
        return clip(str(error), 4000)
    except BaseException:
        return "<the exception's __str__ failed>"


def class_of(error):
    return clip(type.__dict__["__name__"].__get__(type(error)), 200)


def notes_of(error):
    notes = getattr(error, "__notes__", None)
    return [clip(note, 1000) for note in notes[:10] if isinstance(note, str)] if isinstance(notes, (list, tuple)) else []


def members_of_group(error):
    group = getattr(builtins, "BaseExceptionGroup", None)
    return group.exceptions.__get__(error) if group is not None and isinstance(error, group) else ()


def origin_of(error):
    """What it came from, as Python tells it: `cause` or `context`, and the exception."""
    cause = BaseException.__cause__.__get__(error)
    if cause is not None:
        return "cause", cause
    return "context", None if BaseException.__suppress_context__.__get__(error) else BaseException.__context__.__get__(error)


# Exceptions that are told besides the first, of one group, and inside each other.
OTHERS, MEMBERS, DEEP = 24, 10, 5


class Story:
    """An exception with those that it holds and came from: as data, and as the text that Python prints."""

    def __init__(self, file, lines):
        self.places, self.left, self.seen = Places(file, lines), OTHERS, set()

    def data(self, error, depth=0):
        self.seen.add(id(error))
        told = {"type": attempt(class_of, "Exception", error), "title": attempt(title_of, "Exception", error), "message": message_of(error) if depth == 0 else clip(message_of(error), 1000)}
        told["notes"] = attempt(notes_of, [], error)
        told["frames"], told["frames_left_out"] = attempt(self.places.of, ([], 0), error)
        members = attempt(members_of_group, (), error)
        told["members"] = [self.data(member, depth + 1) for member in members[:MEMBERS] if self.may(member, depth)]
        told["members_left_out"] = len(members) - len(told["members"])
        kind, origin = attempt(origin_of, ("cause", None), error)
        told["cause"] = told["context"] = None
        if origin is not None and self.may(origin, depth):
            told[kind] = self.data(origin, depth + 1)
        return told

    def may(self, error, depth):
        if depth >= DEEP or self.left <= 0 or id(error) in self.seen:
            return False
        self.left -= 1
        return True


JOINS = {
    "cause": "The above exception was the direct cause of the following exception:",
    "context": "During handling of the above exception, another exception occurred:",
}


def printed(told, depth=0):
    """Lines as Python prints them; of a group, those of its members beside a margin."""
    lines = []
    for kind, join in JOINS.items():
        if told[kind] is not None:
            lines += printed(told[kind], depth) + margin(["", join, ""], depth)
    grouped = bool(told["members"] or told["members_left_out"])
    inner = max(depth, 1) if grouped else depth
    calls = frame_lines(told["frames"], told["frames_left_out"])
    body = [("Exception Group " if grouped else "") + "Traceback (most recent call last):"] if calls else []
    lines += margin(body, inner, "+" if grouped and depth == 0 else "|")
    what, message = told["title"], told["message"].split("\n")
    body = calls + [what + ": " + message[0] if told["message"] else what] + message[1:]
    for note in told["notes"]:
        body += note.split("\n")
    lines += margin(body, inner)
    if grouped:
        lines += printed_members(told, inner)
    return lines


def printed_members(told, depth):
    lines, indent, count = [], "  " * depth, len(told["members"])
    titles = [str(number + 1) for number in range(count)] + ["..."] * bool(told["members_left_out"])
    for number, title in enumerate(titles):
        lines.append(indent + ("+-" if number == 0 else "  ") + "+---------------- %s ----------------" % title)
        if number < count:
            lines += printed(told["members"][number], depth + 1)
        else:
            left = told["members_left_out"]
            lines += margin(["and %d more exception%s" % (left, "s"[left == 1:])], depth + 1)
    # A group that ends with a group is closed by it.
    last = told["members"][-1] if len(titles) == count and count else None
    if last is None or not (last["members"] or last["members_left_out"]):
        lines.append("  " * (depth + 1) + "+------------------------------------")
    return lines


def margin(lines, depth, mark="|"):
    return ["  " * depth + mark + " " + line for line in lines] if depth else lines


def title_of(error):
    """The class as a traceback names it."""
    kind = type(error)
    module = type.__dict__["__module__"].__get__(kind)
    name = class_of(error)
    return name if not isinstance(module, str) or module in ("builtins", "__main__") else clip(module, 100) + "." + name


def shortened(text):
    """The end of a story is what it is told for."""
    return text if len(text) <= 8000 else text[:2000] + "\n...\n" + text[-5900:]


def story_of(error, file, lines):
    """The exception with those that it came from, oldest first, as Python prints them."""
    return stack_of(Story(file, lines).data(error))


def stack_of(told):
    return shortened("\n".join(printed({**told, "message": clip(told["message"], 1000)})) + "\n")


def without_titles(told):
    kept = {key: without_titles(value) if key in JOINS and value else value for key, value in told.items() if key != "title"}
    kept["members"] = [without_titles(member) for member in told["members"]]
    return kept


def line_of(frames, file):
    """The last line of the code itself: a call's before that which could not be compiled."""
    lines = [frame["line"] for frame in frames if frame["file"] == file]
    calls = [frame["line"] for frame in frames if frame["file"] == file and frame["function"] is not None]
    return (calls or lines or [None])[-1]


def name_in(error):
    return (message_of(error).split("'") + [""])[1] or "__build_class__"


def denied_of(error, denied):
    """The list of the policy that stood in the way, and what it kept from the code."""
    if isinstance(error, ImportError) and getattr(error, "denied_by", "") in ("stdlib_allow", "external_allow"):
        return error.denied_by, clip(str.__str__(error.name), 200)
    if isinstance(error, NameError) and name_in(error) in denied:
        return "builtins_deny", name_in(error)
    return None


# What a notebook takes for its own: the first word of a line, and what is written instead.
NOTEBOOK = (
    (("!pip", "!pip3", "%pip", "!python", "pip", "pip3", "!conda", "%conda", "conda", "!uv", "%uv", "!mamba", "%mamba"), "install", "packages are installed \
before a run, into an environment that it is given (`--python`), and python.external_allow of the policy lets them be imported; a module of your own comes with `--dir`"),
    (("%matplotlib",), "", "leave the line out: `remand python --value display` gives what plt.show() shows"),
    (("%time", "%%time", "%timeit", "%%timeit"), "", "the modules `time` (time.perf_counter()) and `timeit` measure"),
    (("%cd", "!cd"), "", "os.chdir(path)"),
    (("%env", "%set_env"), "", "os.environ[name] = value"),
    (("%run",), "", "runpy.run_path(file), or import it"),
    (("%%writefile",), "", "open(file, \"w\").write(text)"),
    (("%pwd", "!pwd"), "", "os.getcwd()"),
    (("%ls", "!ls"), "", "os.listdir()"),
    (("%load_ext", "%reload_ext", "%autoreload", "%config"), "", "leave the line out"),
)


def notebook_hint(error, lines):
    """Where what could not be compiled is a notebook's, and no Python: what to write instead."""
    number = number_of(error.lineno)
    line = lines[number - 1].strip() if number and number <= len(lines) else ""
    words = line.split()
    first, then = [*words, "", ""][:2]
    for names, second, instead in NOTEBOOK:
        if first in names and second in ("", then):
            return "%s is a line for notebooks, and no Python: %s" % (clip(first, 100), instead)
    value = line.partition("=")[2].strip()
    if line[:1] == "!" or value[:1] == "!":
        return "a line with ! runs a shell in notebooks: write subprocess.run([...]), where the policy shows the program to the run"
    if line[:1] == "%" or value[:1] == "%":
        return "%s is a command of notebooks (a magic), and no Python: write what it does, or leave the line out" % clip(first if line[:1] == "%" else value.split()[0], 100)
    if line[:1] == "?" or line[-1:] == "?":
        return "a line with ? asks for help in notebooks: write help(%s)" % clip(line.strip("? "), 100)
    return ""


def description_of(error, kept, own, lines):
    """What to do, where that is known. `own`: names of the function that the code is, if it is one."""
    given = getattr(error, "description", "")
    if isinstance(given, str) and given:
        return clip(given, 4000)
    if kept and kept[0] == "builtins_deny":
        return "python.builtins_deny of the policy takes %r from the code" % kept[1]
    if own is not None and isinstance(error, NameError):
        name = name_in(error)
        if name in own and not isinstance(error, UnboundLocalError):
            way = "write `global %s` as the first line of the code too, or `nonlocal %s` in the function" % (name, name)
            return "the code is the body of a function, and %r is one of its local names: %s; in a program (`remand python`) it is global" % (name, way)
    if isinstance(error, SyntaxError) and own is not None and "import *" in message_of(error):
        return "the code is the body of a function: import the names that it needs, or run it as a program (`remand python`)"
    if isinstance(error, SystemExit) and own is not None:
        return "the code is the body of a function, which ends by `return` and gives its value so; a program (`remand python`) ends by this"
    if isinstance(error, SyntaxError) and lines is not None:
        return notebook_hint(error, lines)
    return ""


def lines_of(text):
    return text.replace("\r\n", "\n").replace("\r", "\n").split("\n")


def missing_from(error):
    """(what, name) of a module or a file that is not there."""
    if isinstance(error, ModuleNotFoundError):
        return "module", error.name
    if isinstance(error, FileNotFoundError):
        return "file", error.filename if isinstance(error.filename, str) else None
    return "", None


def error_frame(error, file, text, item, denied, own, whole=True, more=None):
    """`more`: what is told in other words."""
    lines = lines_of(text)
    told = Story(file, lines).data(error)
    kept = attempt(denied_of, None, error, denied)
    account = {
        **without_titles(told),
        "description": attempt(description_of, "", error, kept, own, lines if getattr(error, "filename", None) == file else None),
        "stack": attempt(stack_of, "", told),
        "line": attempt(line_of, None, told["frames"], file),
        "item": item,
    }
    if kept:
        account["denied"] = {"list": kept[0], "name": kept[1]}
    what, name = attempt(missing_from, ("", None), error)
    if type(name) is str:
        account["missing"] = {"kind": what, "name": clip(name, 4000)}
    account.update(more or {})
    if not whole:
        account.update(stack="", frames=[], notes=[], members=[], cause=None, context=None)
    # What takes too much room is left out: first what is told besides the exception itself.
    for without in ({}, {"members": [], "cause": None, "context": None}, {"frames": [], "notes": []}):
        account.update(without)
        frame, size = encode(account, ERROR_ROOM, PLAIN)
        if size <= ERROR_ROOM:
            break
    return b'{"kind":"error",' + bytes(frame[1:])
