# A task of n8n: the code of a node, called once or for each item, with n8n's names, checks and words.
#
# `n8n` of the job: `per_item`; `layer` (what n8n's runner refuses is refused in its words; else all simply works); `stdlib`, `external` (the modules that may be
# imported then; `*`: all), `deny` (builtins that are not there), `transitive` (what packages import by importlib is trusted).
# The value is one `done` frame in both modes. What is found before anything runs is told of a file `<unknown>`, as the only frame of its error: it is the
# author's to mend, whatever else a node does with errors. What cannot be compiled is told of n8n's own file, at the code's own line.

BEFORE = "<unknown>"
FILES = {False: "<all_items_task_execution>", True: "<per_item_task_execution>"}
EMPTY = "expected an indented block after function definition on line 1 (%s, line %d)"


class Task:
    def __init__(self, job, names, namespace):
        self.job, self.namespace = job, namespace
        self.told = job["n8n"]
        self.lists = Lists(self.told, job)
        self.prints = Prints(job["limits"]["prints"])
        self.names, self.found_before = dict(vars(names)) if isinstance(names, type(sys)) else dict(names), False
        self.inputs = {}

    def value(self):
        """Runs it; what it gives."""
        made = self.made()
        self.settle_names()
        if not self.told["per_item"]:
            return self.called(made, _items=self.job["items"], _query=self.job["query"])
        values = [self.called(made, _item=item) for item in self.job["items"]]
        return [item_of(index, value) for index, value in enumerate(values) if value is not None]

    def called(self, made, **inputs):
        value = call(made, self.namespace, self.names, {**self.inputs, **inputs})
        if posix.getpid() != PID:
            finish(b"", 0)
        return value

    def settle_names(self):
        if not self.told["layer"]:
            self.names["print"] = as_it_was(self.prints.function(), builtins.print)
            return
        self.inputs["print"] = self.names["print"] = disguised("print", self.prints.function())
        importing = Importing(self.lists, self.told["transitive"])
        self.names["__import__"] = importing.wrapped(self.names["__import__"], True)
        Loaded.then("importlib", importing.guard)
        self.inputs[GUARD] = disguised("format", call_format)
        self.names = Builtins((name, value) for name, value in self.names.items() if name not in self.told["deny"])

    def made(self):
        """The code, looked through and compiled."""
        text = readable(self.job["code"], CODE)
        tree, layer = None, self.told["layer"]
        if layer and not self.lists.are_free():
            self.found_before = True
            tree = read_code(text, BEFORE)
            found = Analysis(tree, self.lists)
            if found.lines:
                raise static_violation(found, text)
            self.found_before = False
        if not any(line.strip() and line.strip()[0] != "#" for line in lines_of(text)):
            raise SyntaxError(EMPTY % (FILES[self.told["per_item"]], 4 + text.count("\n")))
        if layer and (tree or any(name in text for name in FORMATS)):
            return from_tree(with_guard(tree or read_code(text, CODE)))
        return build(self.job["code"]) if tree is None else from_tree(tree)

    def account(self, error):
        """The frame of what ended it."""
        attempt(self.prints.end, None)
        file = BEFORE if self.found_before else CODE
        given = getattr(error, "description", "")
        own = {"message": attempt(self.message, "<the exception's __str__ failed>", error), "description": clip(given, 64000) if isinstance(given, str) else ""}
        text = text_of_code(self.job["code"])
        if self.found_before and isinstance(error, SyntaxError) and error.lineno is None:
            # A NUL, of which Python says no place.
            error.filename, error.lineno = BEFORE, text.count("\n", 0, max(text.find("\0"), 0)) + 1
        return error_frame(error, file, text, None, (), None, more=own)

    def message(self, error):
        if isinstance(error, SystemExit):
            return clip("Process exited with code %s" % (error.code,), 32000)
        if isinstance(error, SyntaxError) and error.filename == CODE:
            return "%s (%s, line %s)" % (clip(str(error.msg), 4000), FILES[self.told["per_item"]], error.lineno)
        return clip(error.n8n_message if type(error) is StaticViolation else str(error), 32000)


class StaticViolation(SyntaxError):
    """What is found before anything runs, with a place as syntax errors have it."""


StaticViolation.__name__ = "SecurityViolationError"
StaticViolation.__module__ = "builtins"


def static_violation(found, text):
    line = lines_of(text)[found.first - 1 : found.first]
    error = StaticViolation("Security violations detected", (BEFORE, found.first, None, *line))
    error.n8n_message, error.description = "Security violations detected", "\n".join(found.lines)
    return error

