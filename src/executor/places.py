# Where an exception was raised: frames of the code first and last, those of libraries beside them, each with its source line and the part of it that Python
# points at. Lines and columns count from one, columns in characters; `end_column` is the one after the last.
#
# Always holds: no more than so many frames are looked at twice, and no text is longer than its bound; nothing is imported.

# Frames that are kept: of the code the first and the last ones, of libraries the last ones.
OWN, LIBRARY = 10, 5
LINE, NAME = 300, 200
ERROR_ROOM = (1 << 17) - 64
# Directories of modules that are not the code's, and how far the code was indented to be compiled; known once it is built.
libraries = []
indented = [0]


def number_of(value):
    return value if type(value) is int and 0 < value < 1 << 31 else None


def is_mine(file):
    return not file.startswith("<frozen ") and not any(file.startswith(place + "/") for place in libraries)


class Places:
    def __init__(self, file, lines):
        self.file, self.texts = file, {file: lines}

    def of(self, error):
        """Frames, outermost first, and how many are left out."""
        first, last, others, count = [], [], [], 0
        ours = main.__code__.co_filename
        trace = BaseException.__traceback__.__get__(error)
        while trace is not None:
            file = trace.tb_frame.f_code.co_filename
            if file != ours:
                count += 1
                if not is_mine(file):
                    others.append((count, trace))
                    del others[:-LIBRARY]
                elif len(first) < OWN:
                    first.append((count, trace))
                else:
                    last.append((count, trace))
                    del last[:-OWN]
            trace = trace.tb_next
        kept = sorted(first + last + others, key=lambda one: one[0])
        frames = [self.call(trace) for _, trace in kept]
        if isinstance(error, SyntaxError):
            frames += attempt(self.unread, [], error)
        return frames, count - len(kept)

    def call(self, trace):
        code = trace.tb_frame.f_code
        spot = attempt(self.spot, (trace.tb_lineno, None, None, None), code, trace)
        return self.frame(code.co_filename, code.co_name, *spot)

    def spot(self, code, trace):
        """Line, column, line and column of the end. Python counts the bytes of a line."""
        line, end_line, column, end_column = [*code.co_positions()][trace.tb_lasti // 2]
        back = indented[0] if code.co_filename == CODE else 0

        def character(line, byte):
            return len(self.line(code.co_filename, line).encode()[: byte - back].decode("utf-8", "replace")) + 1

        return trace.tb_lineno, character(line, column), end_line, character(end_line, end_column)

    def unread(self, error):
        """What could not be compiled."""
        file = error.filename if isinstance(error.filename, str) else "<string>"
        if number_of(error.lineno) is None:
            return []
        end_line, end_column = getattr(error, "end_lineno", None), getattr(error, "end_offset", None)
        return [self.frame(file, None, error.lineno, error.offset, end_line, end_column, error.text)]

    def frame(self, file, function, line, column, end_line, end_column, text=None):
        if not isinstance(text, str):
            text = attempt(self.line, "", file, line)
        return {
            "file": clip(file, LINE),
            "function": None if function is None else clip(function, NAME),
            "line": number_of(line),
            "column": number_of(column),
            "end_line": number_of(end_line),
            "end_column": number_of(end_column),
            "text": clip(text.rstrip("\n"), LINE),
            "mine": is_mine(file),
        }

    def line(self, file, line):
        if file not in self.texts:
            self.texts[file] = attempt(self.read, [], file)
        lines = self.texts[file]
        return lines[line - 1] if line and 0 < line <= len(lines) else ""

    @staticmethod
    def read(file):
        out = posix.open(file, posix.O_RDONLY | posix.O_CLOEXEC | posix.O_NONBLOCK)
        try:
            return lines_of(text_of_code(posix.read(out, 1 << 20)))
        finally:
            posix.close(out)


def frame_lines(frames, left_out):
    """As a traceback has them: the calls of the code, and in one line what they led to in libraries."""
    lines, shown = [], [frame for frame in frames if frame["mine"]]
    for index, frame in enumerate(shown):
        if left_out and index == OWN:
            lines.append("  ... %d more calls" % left_out)
        lines += one_frame(frame)
    after = frames[max([index + 1 for index, frame in enumerate(frames) if frame["mine"]], default=0):]
    if after:
        last = after[-1]
        name = last["function"] or "?"
        lines.append("  ... in libraries, at last %s:%s, in %s" % (last["file"], last["line"], name))
    return lines


def one_frame(frame):
    place = '  File "%s", line %s' % (frame["file"], frame["line"])
    lines = [place if frame["function"] is None else place + ", in " + frame["function"]]
    bare = frame["text"].strip()
    if bare:
        lines.append("    " + bare)
        marks = attempt(marks_of, "", frame)
        if marks:
            lines.append("    " + marks)
    return lines


def marks_of(frame):
    """What Python writes beneath a line, if it points at a part of it."""
    text, start = frame["text"], frame["column"]
    lead = len(text) - len(text.lstrip())
    # Code says where its errors are: nothing is drawn beyond the line.
    last = len(text) + 2
    if start is None or len(text) > LINE or start > last:
        return ""
    if frame["function"] is None:
        end = frame["end_column"] if frame["end_line"] in (None, frame["line"]) else None
        end = min(end, last) if end is not None and end > start else start + 1
        return "".join(" " if not c.isspace() else c for c in text[lead:start - 1]) + "^" * (end - start) if start > lead else ""
    if sys.version_info < (3, 11) or frame["end_column"] is None:
        return ""
    whole = frame["end_line"] == frame["line"]
    start, end = start - 1, min(frame["end_column"], last) - 1 if whole else len(text.rstrip())
    anchors = attempt(anchors_of, None, text[start:end]) if whole else None
    if sys.version_info >= (3, 13) and attempt(is_plain_call, False, text.strip(), start - lead, end - lead):
        return ""
    if end - start >= len(text.strip()) and anchors is None:
        return ""
    left, right = anchors or (0, end - start)
    return " " * (start - lead) + "~" * left + "^" * (right - left) + "~" * (end - start - right)


def tree_of(text):
    # What the tokenizer would warn of is not parsed.
    return compile(text, CODE, "exec", 0x400, True).body if "\\" not in text else []


def is_plain_call(line, start, end):
    """3.13 points at no call that is all that a line returns or assigns."""
    statement = tree_of("def f():\n " + line)[0].body[0]
    value = getattr(statement, "value", None)
    name = type(statement).__name__
    known = name == "Assign" or name == "Return" and type(getattr(value, "func", None)).__name__ == "Name"
    return known and type(value).__name__ == "Call" and (value.col_offset - 1, value.end_col_offset - 1) == (start, end)


def anchors_of(segment):
    """The part of an expression that an operator, an index or (from 3.13 on) the arguments of a call take."""
    (statement,) = tree_of("(" + segment + ")")
    value, encoded = statement.value, ("(" + segment).encode()
    at = lambda offset: len(encoded[:offset].decode()) - 1
    kind, late = type(value).__name__, sys.version_info >= (3, 12)  # which looks behind parentheses
    if kind == "BinOp":
        left = at(value.left.end_col_offset)
        while segment[left].isspace() or late and segment[left] in ")#":
            left += 1
        right = left + 1
        if right < at(value.right.col_offset) and not segment[right].isspace():
            right += 1
        return left, right
    if kind == "Subscript":
        left, right = at(value.value.end_col_offset), at(value.slice.end_col_offset)
        return (segment.index("[", left), segment.index("]", right) + 1) if late else (left, right + 1)
    if kind == "Call" and sys.version_info >= (3, 13):
        return segment.index("(", at(value.func.end_col_offset)), len(segment)
    return None
