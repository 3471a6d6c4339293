# Code that is a program: mode `script`. It runs in `__main__` as `python3` would run it, and the interpreter ends afterwards as it always does: threads are
# waited for, atexit handlers called, buffers flushed. Its wait status is the result.
#
# `script` of the job: `file` (the name that the text has in `directory`, where it is put for multiprocessing's children and `inspect`; None: it has none),
# `shown` (the name in tracebacks), `module` (to be run instead of the text), `argv`, `await`, `value`, `display` (the text of `display.py` where the program
# shows as a notebook does; else None), `lines` (its standard output is written line by line, as Python does for a terminal; else in blocks, as for the pipe
# that it is).
#
# An exception that is not caught is told by Python itself, and by an `error` frame, which only says what the status is about. A value is sent in a `done`
# frame. Neither is sent by a child, nor into a descriptor 4 that is no longer the one that was handed over.

TOP_LEVEL_AWAIT = 0x2000
ONLY_TREE = 0x400
COROUTINE = 0x80


def say_last(frame):
    if posix.getpid() == PID and pipe_of(FRAMES) == CHANNEL:
        attempt(send, None, frame, True)


def settle(script, code, namespace, names):
    """The world as `python3` makes it before the first line."""
    shown, directory, outside = script["shown"], script["directory"], sys.modules["_frozen_importlib_external"]
    posix.chdir(directory)
    if script["file"] is not None:
        out = posix.open(script["file"], posix.O_WRONLY | posix.O_CREAT | posix.O_EXCL | posix.O_CLOEXEC, 0o644)
        rest = bytes_of_code(code)
        while rest:
            rest = rest[posix.write(out, rest):]
        posix.close(out)
    sys.argv[:] = script["argv"]
    namespace.clear()
    namespace.update(__name__="__main__", __doc__=None, __package__=None, __spec__=None, __builtins__=names)
    if sys.version_info < (3, 14):
        namespace["__annotations__"] = {}
    namespace["__loader__"] = sys.modules["_frozen_importlib"].BuiltinImporter
    if script["file"] is not None:
        namespace["__loader__"] = outside.SourceFileLoader("__main__", shown)
        namespace.update(__file__=shown, __cached__=None)
    if script["module"] is None:
        remember(shown, code)


def run_module(name):
    import runpy

    runpy._run_module_as_main(name)


def compiled(code, shown, script):
    """Code of the whole text, and of its last expression where its value is wanted."""
    text = readable(code, shown)
    flags = TOP_LEVEL_AWAIT if script["await"] else 0
    if not script["value"] and script["display"] is None:
        return compile(text, shown, "exec", flags, True), None
    tree = compile(text, shown, "exec", flags | ONLY_TREE, True)
    last = None
    if tree.body and type(tree.body[-1]).__name__ == "Expr":
        from _ast import Expression

        last = compile(Expression(tree.body.pop().value), shown, "eval", flags, True)
    return compile(tree, shown, "exec", flags, True), last


def evaluate(codes, namespace):
    """Runs them one after the other; what the last one gives."""
    if not any(code.co_flags & COROUTINE for code in codes):
        return [eval(code, namespace) for code in codes][-1]

    async def run():
        for code in codes:
            value = eval(code, namespace)
            if code.co_flags & COROUTINE:
                value = await value
        return value

    import asyncio

    return asyncio.run(run())


def without_ours(trace):
    """The traceback as it would be if the program had been started by Python itself."""
    ours = globals()
    while trace is not None and trace.tb_frame.f_globals is ours:
        trace = trace.tb_next
    at = trace
    while at is not None and at.tb_next is not None:
        if at.tb_next.tb_frame.f_globals is ours:
            at.tb_next = at.tb_next.tb_next
        else:
            at = at.tb_next
    return trace


def tell(error, shown):
    """Lets Python tell the exception, as soon as it leaves us: without the frames that are ours."""
    trace, real = without_ours(error.__traceback__), sys.excepthook
    # Python itself finds no lines of what is in no file. Told now: what is imported later makes it forget that it ends by SIGINT.
    told = real is sys.__excepthook__ and shown.startswith("<") and attempt(print_exception, False, error, trace)

    def hook(kind, value, _):
        value.__traceback__ = trace
        if not told:
            real(kind, value, trace)

    sys.excepthook = hook


def print_exception(error, trace):
    import traceback

    traceback.print_exception(type(error), error, trace)
    return True


def display_of(text, results, names):
    """What shows, where the program is to show as a notebook does: compiled only then."""
    if text is None:
        Loaded.then("matplotlib.pyplot", hint_at_figures)
        return None
    exec(compile(text, "display.py", "exec", 0, True), globals())
    shows = globals()["DISPLAY"](results)
    shows.install(names)
    return shows


def run_script(job, names, namespace):
    script, given = job["script"], job["code"]
    settle(script, given, namespace, names)
    posix.set_inheritable(FRAMES, False)
    results = Results(job["limits"]["result_size"], job["result"])
    shows = display_of(script["display"], results, names)
    send(b'{"kind":"ready"}')
    try:
        try:
            if script["module"] is not None:
                return run_module(script["module"])
            code, last = compiled(given, script["shown"], script)
            value = evaluate([code] if last is None else [code, last], namespace)
            if shows is not None and last is not None:
                shows.last(value)
        finally:
            # As a notebook does it, whatever came of the code.
            if shows is not None:
                shows.figures()
        if script["value"]:
            say_last(results.frame(b'{"kind":"done","value":', value if last is not None else None))
    except SystemExit:
        raise
    except BaseException as error:
        denied = job["security"]["builtins_deny"]
        frame = attempt(error_frame, None, error, script["shown"], text_of_code(given), None, denied, None)
        attempt(tell, None, error, script["shown"])
        if frame is not None:
            say_last(frame)
        raise
