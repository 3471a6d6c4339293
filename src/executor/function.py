# Code that is the body of a function: modes `all_items` and `per_item`; and `n8n`, of which the layer `n8n/` knows what it is.
#
# `return` gives the value, no `return` gives None, empty code too. The syntax tree of the text is put into a function (or the text is indented, where that is
# the same), so line numbers and strings are the user's. Leading `from __future__` imports work. `yield` and `await` outside a function of the user's own, and
# `nonlocal`, are SyntaxErrors. Names are locals; `global` works, and in per_item mode every item starts with fresh globals.
# `exit(n)`, `quit(n)` and `sys.exit(n)` end as an `error` frame of type SystemExit, whatever n; `os._exit` leaves no frame. SIGINT and SIGXFSZ end the run.
# Threads that still run when the code returns end with it; atexit handlers are not called. A forked child that returns from the code ends without a frame.
# per_item with on_error "item": an exception, SystemExit too, is sent as that item's, and the next one begins; the first has its stack.
# per_item: None drops the item; a dict with `json` or `binary` gives those; anything else is the `json`. An item is sent as
# {"json": ..., "binary": ..., "pairedItem": {"item": index}} (binary only if given), as n8n does; what else stood beside `json` is dropped.
# all_items: the value is sent as it is; its shape is for whoever asked.

CODE = "<code>"
# The task of n8n that this is, if it is one.
TASKS = []
# What multiprocessing's children import as `__main__`: a file of the run's root that has nothing in it.
MAIN = "/remand/main.py"


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


def read_code(text, file):
    """The syntax tree, in which `return` may stand anywhere."""
    try:
        return compile(text, file, "exec", 0x400, True)  # PyCF_ONLY_AST
    except ValueError as error:
        if isinstance(error, UnicodeError):
            raise
        raise SyntaxError(str(error)) from None


def from_tree(tree):
    """The code of a function whose body is a text's syntax tree."""
    body = tree.body
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
    return as_written(made, 0)


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


NESTED = "code.<locals>."


def as_written(code, up):
    """Under our file name, `up` lines higher, and named as if it stood in a module, as what it prints and pickles then says. The functions inside too:
    line tables count from the first line."""
    inner = [as_written(constant, up) if type(constant) is type(code) else constant for constant in code.co_consts]
    names = {code.co_name, *[getattr(constant, "co_name", None) for constant in inner]}
    for index, constant in enumerate(inner):
        if type(constant) is str and constant.startswith(NESTED) and constant.rpartition(".")[2] in names:
            inner[index] = constant[len(NESTED):]
    changed = {"co_filename": CODE, "co_firstlineno": code.co_firstlineno - up, "co_consts": tuple(inner)}
    if getattr(code, "co_qualname", "").startswith(NESTED):
        changed["co_qualname"] = code.co_qualname[len(NESTED):]
    return code.replace(**changed)


def build(code):
    """A code object for the text. The first syntax tree costs an interpreter a millisecond, and so does the first `compile`, which makes ready for one. So
    simple text is indented and given to `exec`, which does not; whatever is odd about it, a warning included, is left to the tree."""
    code = readable(code, CODE)
    text = text_of_code(code)
    lines = lines_of(text)
    if type(code) is str and may_be_indented(text, lines):
        filters = sys.modules["_warnings"].filters
        filters.insert(0, ("error", None, SyntaxWarning, None, 0))
        try:
            defined = {"__builtins__": {}}
            exec("def code():\n\t" + "\n\t".join(lines), defined)
            made = defined["code"].__code__
            if not made.co_flags & 0x220:
                indented[0] = 1
                return as_written(made, 1)
        except Exception:
            pass
        finally:
            del filters[0]
    return from_tree(read_code(code, CODE))


def names_while_running(made, namespace):
    """`__main__.NAME` gives the code's own names as it would for a module: unittest and doctest look there."""

    def names():
        # Of this thread first; of the main one for others, as that which pickles what a pool is to do.
        for frame in (sys._getframe(1), *sys._current_frames().values()):
            while frame is not None and frame.f_code is not made:
                frame = frame.f_back
            if frame is not None:
                return frame.f_locals
        return {}

    def __getattr__(name):
        try:
            return names()[name]
        except KeyError:
            raise AttributeError("module '__main__' has no attribute %r" % name) from None

    def __dir__():
        return [*namespace, *names()]

    return {"__getattr__": __getattr__, "__dir__": __dir__}


def with_layer(name):
    """The names of a layer of the executor, which is read only where it is wanted, beside all of the executor's own."""
    found = {**globals()}
    exec(marshal.loads(LAYERS[name]), found)
    return found


def call(made, namespace, names, inputs):
    namespace.clear()
    namespace.update(names_while_running(made, namespace), __name__="__main__", __file__=MAIN, __spec__=None, __builtins__=names, **inputs)
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


def fail(error, item, job, made):
    attempt(sys.setrecursionlimit, None, 1000)
    if posix.getpid() != PID:
        if isinstance(error, SystemExit) and (error.code is None or type(error.code) is int):
            finish(b"", (error.code or 0) & 255)
        attempt(lambda: STDERR.write(story_of(error, CODE, lines_of(text_of_code(job["code"])))), None)
        finish(b"", 1)
    finish(told(error, item, job, made), 1)


def told(error, item, job, made, whole=True):
    if TASKS:
        return TASKS[0].account(error)
    own = () if made is None else made.co_varnames + made.co_cellvars
    return error_frame(error, CODE, text_of_code(job["code"]), item, job["security"]["builtins_deny"], own, whole)


def frame_of(item, given, namespace, names, job, made, results):
    """The frame of an item, None where it is dropped: its value, or where its errors are its own, the exception that it raised."""
    try:
        value = call(made, namespace, names, {"_item": given})
        if posix.getpid() != PID:
            finish(b"", 0)
        return None if value is None else results.item(item, item_of(item, value))
    except BaseException as error:
        if job["on_error"] != "item" or posix.getpid() != PID:
            raise
        attempt(sys.setrecursionlimit, None, 1000)
        whole, results.failed = not results.failed, True
        return results.failure(b'{"kind":"item","index":%d,"error":%s}' % (item, told(error, item, job, made, whole)))


def run_function(job, names, namespace):
    """Calls the code, once or for each item; does not return."""
    _signal.signal(_signal.SIGINT, _signal.SIG_DFL)
    _signal.signal(_signal.SIGXFSZ, _signal.SIG_DFL)  # Python ignores it; RLIMIT_FSIZE is to end the run by its own signal
    results, items = Results(job["limits"]["result_size"], job["result"]), job["items"]
    settle_streams()  # what is said of a start that fails is no frame
    if job["mode"] == "n8n":
        layer = with_layer("n8n")
        results = layer["TaskResults"](job["limits"]["result_size"], job["result"])
        TASKS.append(layer["Task"](job, names, namespace))
    send(b'{"kind":"ready"}')
    item = error = made = None
    try:
        try:
            for task in TASKS:
                value = task.value()
                task.prints.end()
                finish(results.frame(b'{"kind":"done","value":', value), 0)
            made = build(job["code"])
            if job["mode"] == "all_items":
                value = call(made, namespace, names, {"_items": items, "_query": job["query"]})
                finish(results.frame(b'{"kind":"done","value":', value), 0)
            for item, given in enumerate(items):
                frame = frame_of(item, given, namespace, names, job, made, results)
                if frame is not None:
                    send(frame)
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
    fail(error, item, job, made)
