"""Runs in the shape of a `multiprocessing` context: `create_process` gives what a forkserver's `Process` and `Pipe(duplex=False)` give; pipe.py has what goes
through the pipe, and `outcome` of the process is the whole record.

Always holds: the process is over when the run is; a message that nobody reads holds nothing up.
"""

from __future__ import annotations

import itertools
import os
import signal
import socket
import threading
from typing import Any, Dict, Iterable, Mapping, Optional, Tuple

from .call import Call
from .client import Client
from .errors import RemandError
from .outcome import Outcome
from .pipe import ReadConnection, WriteConnection, deliver, message
from .verdict import Cancelled, Exceeded, Exited, Finished, NoResult, Raised, Signaled, Violated

_COUNT = itertools.count(1)


def create_process(
    code: str,
    mode: str = "all_items",
    items: Optional[Iterable[Any]] = None,
    security_config: Any = None,
    query: Any = None,
    *,
    client: Optional[Client] = None,
    **fields: Any,
) -> Tuple[RunProcess, ReadConnection, WriteConnection]:
    """A run that is not started yet, the end where its message is read, and what stands for the end where it is written. `security_config`: a mapping or an
    object with `stdlib_allow`, `external_allow`, `builtins_deny`, `runner_env_deny`, whichever of these it has. `fields`: others of the request."""
    given = {**fields, "mode": mode, "items": items, "security": _security(security_config)}
    if mode == "all_items":
        given["query"] = query
    call = (client or Client()).call(code, given, check=False)
    ours, theirs = socket.socketpair()
    ours.shutdown(socket.SHUT_WR)
    write = WriteConnection()
    return RunProcess(call, theirs, write), ReadConnection(ours.detach(), writable=False), write


def _security(config: Any) -> Optional[Dict[str, Any]]:
    if config is None or isinstance(config, Mapping):
        return None if config is None else dict(config)
    names = ("stdlib_allow", "external_allow", "builtins_deny", "runner_env_deny")
    return {name: getattr(config, name) for name in names if hasattr(config, name)}


class RunProcess:
    """What `multiprocessing.Process` is, of a run. `exitcode`: 0 where it returned or raised, its own where it exited, minus the signal's number where one
    ended it (SIGKILL for a limit, SIGSYS for a denied call, SIGTERM or SIGKILL where it was terminated or killed), 255 where it could not be made."""

    def __init__(self, call: Call, pipe: socket.socket, write: WriteConnection) -> None:
        self.name = f"RemandProcess-{next(_COUNT)}"
        #: Whether the program may end before the run does, which then ends too.
        self.daemon = False
        self._call = call
        self._pipe = pipe
        self._write = write
        self._parent = os.getpid()
        self._ended = threading.Event()
        self._thread: Optional[threading.Thread] = None
        self._sentinel, self._alive = os.pipe()
        self._stopped_by = signal.SIGTERM
        self._closed = False
        self._exitcode: Optional[int] = None
        #: The record, once the run is over; None where none could be made.
        self.outcome: Optional[Outcome] = None
        #: Why there is no record.
        self.error: Optional[RemandError] = None

    def start(self) -> None:
        """Starts the run; HelperError where there is nobody to make it."""
        self._check()
        assert self._thread is None, "cannot start a process twice"
        self._write.closed = True
        self._call.start()
        self._thread = threading.Thread(target=self._wait, name=self.name, daemon=self.daemon)
        self._thread.start()

    def _wait(self) -> None:
        try:
            self.outcome = self._call.outcome()
        except RemandError as error:
            self.error = error
        self._exitcode = 255 if self.outcome is None else _exitcode(self.outcome, self._stopped_by)
        os.close(self._alive)
        self._ended.set()
        deliver(self._pipe, message(self.outcome, self.error, self._exitcode))

    def join(self, timeout: Optional[float] = None) -> None:
        """Waits for the end, so many seconds at most."""
        self._check()
        assert self._parent == os.getpid(), "can only join a child process"
        assert self._thread is not None, "can only join a started process"
        self._ended.wait(timeout)

    def is_alive(self) -> bool:
        """Whether the run goes on."""
        self._check()
        return self._thread is not None and not self._ended.is_set()

    @property
    def exitcode(self) -> Optional[int]:
        """None before the end."""
        self._check()
        return self._exitcode

    def terminate(self) -> None:
        """Cancels the run."""
        self._stop(signal.SIGTERM)

    def kill(self) -> None:
        """Cancels the run; nothing in it has a say in that either way."""
        self._stop(signal.SIGKILL)

    def _stop(self, by: signal.Signals) -> None:
        self._check()
        if self.is_alive():
            self._stopped_by = by
            self._call.cancel()

    def close(self) -> None:
        """Gives back what the object holds; ValueError while the run goes on."""
        if self._closed:
            return
        if self.is_alive():
            raise ValueError("Cannot close a process while it is still running. You should first call join() or terminate().")
        self._closed = True
        os.close(self._sentinel)
        if self._thread is None:
            os.close(self._alive)
            self._pipe.close()

    def _check(self) -> None:
        if self._closed:
            raise ValueError("process object is closed")

    @property
    def sentinel(self) -> int:
        """A descriptor that is readable once the run is over."""
        self._check()
        if self._thread is None:
            raise ValueError("process not started")
        return self._sentinel

    @property
    def pid(self) -> Optional[int]:
        """The number of the run at whoever makes it: that of the process `remand helper`; None where a daemon makes it, and before the start."""
        self._check()
        return self._call.number

    ident = pid

    def __repr__(self) -> str:
        state = "closed" if self._closed else "initial" if self._thread is None else "started" if not self._ended.is_set() else f"stopped exitcode={self._exitcode}"
        return f"<RunProcess name={self.name!r} {state}>"

    def __del__(self) -> None:
        # A run that goes on belongs to its thread, which holds this object.
        if not getattr(self, "_closed", True):
            self.close()


def _exitcode(outcome: Outcome, stopped_by: int) -> int:
    verdict = outcome.verdict
    if isinstance(verdict, (Finished, Raised, NoResult)):
        return 0
    if isinstance(verdict, Exited):
        return verdict.code
    if isinstance(verdict, Signaled):
        return -verdict.signal
    if isinstance(verdict, Exceeded):
        return -signal.SIGKILL
    if isinstance(verdict, Violated):
        return -signal.SIGSYS
    return -stopped_by if isinstance(verdict, Cancelled) else 255
