# The job, and what it asks for. `paths` of the job: where the code's own modules lie, first in sys.path.


def read_job():
    chunks = []
    while True:
        chunk = posix.read(3, 1 << 16)
        if not chunk:
            posix.close(3)
            break
        chunks.append(chunk)
    data = b"".join(chunks)
    del chunks
    job = marshal.loads(data)
    del data
    for name in ("items", "query", "n8n"):
        job[name] = decoded(job[name])
    return job


def decoded(data):
    """Many values: the collector would look at all of them again and again while they are made, where none can be garbage."""
    if len(data) < 1 << 16:
        return marshal.loads(data)
    import gc

    gc.disable()
    try:
        return marshal.loads(data)
    finally:
        gc.enable()


def flush_streams(*_):
    for stream in (sys.stdout, sys.stderr, STDOUT, STDERR):
        attempt(lambda: stream.flush(), None)


def tell_where(program):
    """Lets CPython write its stacks to descriptor 5, for SIGURG and where it dies. Builtin, and imports nothing; no frame is ever cut by it. What a program has
    in its buffers is written then too: it may be about to be killed."""
    if program:
        _signal.signal(_signal.SIGURG, flush_streams)
    posix.set_inheritable(STACKS, False)
    import faulthandler

    faulthandler.register(_signal.SIGURG, STACKS, True, program)
    faulthandler.enable(STACKS, True)


def settle_variables(variables):
    """What the interpreter was not to see when it began."""
    for name, value in variables.items():
        posix.putenv(name, value)
        posix.environ[name.encode()] = value.encode()
        if "os" in sys.modules:
            sys.modules["os"].environ[name] = value
    if not sys.flags.isolated and sys.path[:1] == [""]:
        del sys.path[0]


def main():
    global CHANNEL
    CHANNEL = pipe_of(FRAMES)  # which the code may close, and open something else in its place
    job = read_job()
    if job["version"] != 4:
        raise RuntimeError("job version %r is not mine" % (job["version"],))
    security, program = job["security"], job["mode"] == "script"
    attempt(tell_where, None, program)
    if security["runner_env_deny"]:
        for name in [*posix.environ]:
            posix.unsetenv(name)
        posix.environ.clear()
    settle_variables(job["environment"])
    # What `site` sets for a virtual environment, where no packages are wanted of it.
    sys.prefix = sys.exec_prefix = job["prefix"]
    if job["mode"] == "n8n" and not security["external_allow"]:
        security["external_allow"] = ["*"]  # none are shown: Python itself says so, in the words that n8n's users know
    imports = Imports(security, job["standard_path"], job["paths"] or None)
    libraries.extend({place for place in (*job["standard_path"], *sys.path) if place})
    sys.path[:0] = job["paths"]
    if program and job["script"]["lines"]:
        STDOUT.reconfigure(line_buffering=True)
    if job["mode"] in ("all_items", "per_item"):
        builtins.print = make_print(job["limits"]["prints"])
    names = settle_builtins(security, imports)
    namespace = sys.modules["__main__"].__dict__
    if program:
        return run_script(job, names, namespace)
    remember(CODE, job["code"])
    run_function(job, names, namespace)


main()
