# The program inside a run: reads the job, runs the user's code, writes frames. CPython 3.9 and later, standard library only. Its files are one text, in the
# order in which `src/plan/src/interpreter.rs` names them; at its start each uses only names of those before it.
#
# Always holds: imports nothing that a bare `python -I -S` has not loaded already (`import json` alone doubles the start); what it says is a claim of
# the run, never evidence; a frame is written by the first process only, and after `done` or `error` of a function nothing of the run's Python code runs.
#
# How it is started: `bootstrap.py` is the `-c` text; it reads this program, compiled by the same interpreter, from /remand/executor and runs it.
# Descriptors: 3 is the job (marshal, read to end of file, closed), 4 takes frames: 4 bytes of big-endian length, then JSON (see src/plan/src/frames), 5 what
# faulthandler writes (see src/plan/src/trace.rs).
#
# Here: frames, and what is flushed before the last one.

import sys
import builtins
import marshal
import posix
import _signal
from _thread import RLock

__spec__ = "remand"  # what is imported here is not what the code imports: see `Imports.hook`
FRAMES, STACKS = 4, 5
leave = posix._exit
PID = posix.getpid()
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


def attempt(function, otherwise, *arguments):
    try:
        return function(*arguments)
    except BaseException:
        return otherwise


def flush_c():
    """The buffers of C's streams, which `_exit` leaves behind. Only what was loaded since the start can have written there."""
    from _ctypes import call_function, dlopen, dlsym

    call_function(dlsym(dlopen(None, 0), "fflush"), (0,))


def loaded_c():
    libraries = [str(getattr(module, "__file__", "")) for module in [*sys.modules.values()]]
    return "_ctypes" in sys.modules or any(path.endswith(".so") and "/lib-dynload/" not in path for path in libraries)


def finish(frame, code, length=None):
    """The last frame of a function: output is flushed before it, no signal handler and no other thread comes after it."""
    for stream in (sys.stdout, sys.stderr, STDOUT, STDERR):
        attempt(lambda: stream.flush(), None)
    attempt(end_streams, None)
    if attempt(loaded_c, False):
        attempt(flush_c, None)
    if posix.getpid() == PID:
        mask(BLOCK, SIGNALS)
        if pipe_of(FRAMES) != CHANNEL:
            # Nobody hears it. Who follows the run sees so, and ends it, unless a child still has what the code has closed.
            attempt(_signal.sigtimedwait, None, (), 1)
            leave(1)
        send(frame, True, length)
    leave(code)
