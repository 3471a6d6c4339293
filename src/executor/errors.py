# An exception as an `error` frame: the code's own account, bounded, with the frames of the code alone.


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


def user_frames(error, file):
    """(line, function) of the user's own frames, outermost first: the first and the last ten, and how many are left out between."""
    first, last, count = [], [], 0
    trace = BaseException.__traceback__.__get__(error)
    while trace is not None:
        code = trace.tb_frame.f_code
        if code.co_filename == file:
            count += 1
            if count <= 10:
                first.append((trace.tb_lineno, code.co_name))
            else:
                last.append((trace.tb_lineno, code.co_name))
                del last[:-10]
        trace = trace.tb_next
    return first, last, count - len(first) - len(last)


def stack_of(error, file, lines):
    first, last, hidden = user_frames(error, file)
    text = []
    for line, name in first + last:
        if hidden and len(text) == 10:
            text.append("  ... %d more calls\n" % hidden)
        source = lines[line - 1].strip() if line and line <= len(lines) else ""
        text.append('  File "%s", line %s, in %s\n' % (file, line, name[:100]) + ("    %s\n" % source[:200] if source else ""))
    if text:
        text.insert(0, "Traceback (most recent call last):\n")
    if isinstance(error, SyntaxError) and error.filename == file and error.lineno:
        source = lines[error.lineno - 1] if error.lineno <= len(lines) else ""
        text.append('  File "%s", line %d\n    %s\n' % (file, error.lineno, source.strip()[:200]))
    return "".join(text) + clip("%s: %s" % (class_of(error), message_of(error)), 1000) + "\n"


def story_of(error, file, lines):
    """The exception with those that it came from, oldest first, as Python prints them."""
    parts, seen = [stack_of(error, file, lines)], [error]
    while len(seen) < 4:
        cause = BaseException.__cause__.__get__(error)
        link = "\nThe above exception was the direct cause of the following exception:\n\n"
        if cause is None and not BaseException.__suppress_context__.__get__(error):
            cause = BaseException.__context__.__get__(error)
            link = "\nDuring handling of the above exception, another exception occurred:\n\n"
        if cause is None or any(cause is other for other in seen):
            break
        parts += [link, stack_of(cause, file, lines)]
        seen.append(cause)
        error = cause
    return clip("".join(reversed(parts)), 8000)


def line_of(error, file):
    first, last, _ = user_frames(error, file)
    if first:
        return (last or first)[-1][0]
    if isinstance(error, SyntaxError) and error.filename == file:
        return error.lineno
    return None


def name_in(error):
    return (message_of(error).split("'") + [""])[1] or "__build_class__"


def denied_of(error, denied):
    """The list of the policy that stood in the way, and what it kept from the code."""
    if isinstance(error, ImportError) and getattr(error, "denied_by", "") in ("stdlib_allow", "external_allow"):
        return error.denied_by, clip(str.__str__(error.name), 200)
    if isinstance(error, NameError) and name_in(error) in denied:
        return "builtins_deny", name_in(error)
    return None


def description_of(error, kept, own):
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


def error_frame(error, file, text, item, denied, own):
    lines = lines_of(text)
    line = attempt(line_of, None, error, file)
    kept = attempt(denied_of, None, error, denied)
    account = {
        "type": attempt(class_of, "Exception", error),
        "message": message_of(error),
        "description": attempt(description_of, "", error, kept, own),
        "stack": attempt(story_of, "", error, file, lines),
        "line": line if type(line) is int and line > 0 else None,
        "item": item,
    }
    if kept:
        account["denied"] = {"list": kept[0], "name": kept[1]}
    what, name = attempt(missing_from, ("", None), error)
    if type(name) is str:
        account["missing"] = {"kind": what, "name": clip(name, 4000)}
    return b'{"kind":"error",' + bytes(encode(account, 1 << 17, PLAIN)[0][1:])
