"""One process of `remand helper --stream`, with the request on its standard input and lines of JSON on its standard output.

Always holds: writing, reading and waiting are one loop that waits for all of it at once, so nothing stands still because something else does; every wait for a
process that was told to end has an end itself; no descriptor and no zombie is left, and only the process that started a helper ever signals it.
"""

from __future__ import annotations

import contextlib
import os
import selectors
import signal
import socket
import subprocess
import threading
import time
from typing import Callable, Dict, List, Optional

from .errors import HelperError
from .lines import Lines, TooLong
from .text import shown
from .transport import Exchange

_PIECE = 1 << 16
_COMPLAINT = 8192


class HelperExchange(Exchange):
    """One helper process."""

    def __init__(self, command: List[str], request: bytes, grace: float, longest_line: int) -> None:
        self._command = command
        self._grace = grace
        self._owner = os.getpid()
        self._longest_line = longest_line
        self._lines = Lines(longest_line)
        self._unsent = memoryview(request)
        self._said = b""
        self._why = ""
        self._ended = False  # no line will come
        self._asked = False  # to end
        self._kill_at: Optional[float] = None
        self._give_up_at: Optional[float] = None
        self._given_up = False
        self._hang_up = False
        self._finishing = False  # what still comes is not wanted
        self._lock = threading.Lock()  # of `_wake_writer`, which other threads use
        # What this program ignores, the helper ignores too.
        self._signal = next(each for each in _ENDINGS if signal.getsignal(each) is not signal.SIG_IGN)
        self._start(command)

    def _start(self, command: List[str]) -> None:
        try:
            with contextlib.ExitStack() as undo:
                # Its standard input is a socket and no pipe: writing to one that has no reader is SIGPIPE, which the program around us may not ignore.
                self._input, theirs = socket.socketpair()
                undo.callback(self._input.close)
                with theirs:
                    self._wake_reader, self._wake_writer = os.pipe()
                    undo.callback(os.close, self._wake_reader)
                    undo.callback(os.close, self._wake_writer)
                    # In a session of its own: what a terminal sends (Ctrl-C, Ctrl-Z, hang-up) comes to this program alone, which decides.
                    self._process = subprocess.Popen(
                        command, stdin=theirs.fileno(), stdout=subprocess.PIPE, stderr=subprocess.PIPE, bufsize=0, close_fds=True, start_new_session=True
                    )
                undo.pop_all()
        except (OSError, ValueError) as error:
            raise HelperError(f"cannot start {shown(' '.join(command))}: {shown(str(error))}") from error
        assert self._process.stdout is not None and self._process.stderr is not None
        self._output, self._errors = self._process.stdout, self._process.stderr
        self._output_fd, self._errors_fd = self._output.fileno(), self._errors.fileno()
        self._pidfd = _pidfd(self._process.pid)
        self._listen_to_all()

    def _listen_to_all(self) -> None:
        self._selector = selectors.PollSelector()
        self._handlers: Dict[int, Callable[[], None]] = {}
        self._input.setblocking(False)
        os.set_blocking(self._output_fd, False)
        os.set_blocking(self._errors_fd, False)
        self._register(self._input.fileno(), self._send, selectors.EVENT_WRITE)
        self._register(self._output_fd, self._read)
        self._register(self._errors_fd, self._listen)
        self._register(self._wake_reader, self._woken)
        if self._pidfd is not None:
            self._register(self._pidfd, self._exited)

    @property
    def number(self) -> Optional[int]:
        return self._process.pid

    def receive(self, timeout: Optional[float]) -> Optional[bytes]:
        deadline = None if timeout is None else time.monotonic() + timeout
        while True:
            try:
                line = self._lines.take()
            except TooLong as error:
                self._why, self._lines = str(error), Lines(self._longest_line)
                self.close()
                return None
            if line is not None or self._ended:
                return line
            self._step(deadline)

    def _step(self, deadline: Optional[float]) -> None:
        """Waits for whatever comes next, and does what it calls for."""
        if self._hang_up and self._output_fd in self._handlers:
            self._forget(self._output_fd)
            self._output.close()
        deadlines = [each for each in (deadline, self._kill_at, self._give_up_at) if each is not None]
        wait = max(0.0, min(deadlines) - time.monotonic()) if deadlines else None
        for key, _ in self._selector.select(wait):
            if key.fd in self._handlers:
                self._handlers[key.fd]()
        now = time.monotonic()
        if self._give_up_at is not None and now >= self._give_up_at:
            self._why, self._ended, self._given_up, self._give_up_at = "it does not end", True, True, None
        elif self._kill_at is not None and now >= self._kill_at:
            self._kill_at, self._give_up_at = None, now + self._grace
            self._why = self._why or "it did not end when it was asked to, and was killed"
            self._send_signal(signal.SIGKILL)
        elif deadline is not None and now >= deadline and not self._ended:
            raise TimeoutError

    def _register(self, fd: int, handler: Callable[[], None], what: int = selectors.EVENT_READ) -> None:
        self._selector.register(fd, what)
        self._handlers[fd] = handler

    def _forget(self, fd: int) -> None:
        self._selector.unregister(fd)
        del self._handlers[fd]

    def _send(self) -> None:
        try:
            sent = self._input.send(self._unsent[:_PIECE], socket.MSG_NOSIGNAL)
        except (BlockingIOError, InterruptedError):
            return
        except OSError:  # it reads no more; what it says tells why
            sent = len(self._unsent)
        self._unsent = self._unsent[sent:]
        if not self._unsent:
            self._unsent = memoryview(b"")  # holds no request
            self._forget(self._input.fileno())
            self._input.close()

    def _read(self) -> None:
        piece = _piece(self._output_fd)
        if piece and not self._finishing:
            self._lines.add(piece)
        elif piece == b"":
            self._forget(self._output_fd)
            self._ended = True

    def _listen(self) -> None:
        piece = _piece(self._errors_fd)
        if piece:
            self._said += piece[: _COMPLAINT - len(self._said)]
        elif piece is not None:
            self._forget(self._errors_fd)

    def _woken(self) -> None:
        os.read(self._wake_reader, 64)

    def _exited(self) -> None:
        """The process is gone: what it wrote is in the pipe, and whoever else may hold the other end has nothing to add."""
        assert self._pidfd is not None
        self._forget(self._pidfd)
        while self._output_fd in self._handlers and not self._finishing and (piece := _piece(self._output_fd)):
            self._lines.add(piece)
        self._ended = True

    def cancel(self) -> None:
        with self._lock:
            if self._asked or self._wake_writer < 0 or os.getpid() != self._owner:
                return
            self._asked = True
            self._kill_at = time.monotonic() + self._grace
            self._send_signal(self._signal)
            os.write(self._wake_writer, b"!")

    def _send_signal(self, number: int) -> None:
        try:
            self._process.send_signal(number)
        except PermissionError:  # sudo's: without a reader it ends its run with the next thing that it has to say
            self._hang_up = True

    def finish(self) -> None:
        if self._wake_writer < 0:
            return
        self._finishing = True
        try:
            if os.getpid() == self._owner:
                if self._kill_at is None and self._give_up_at is None:
                    self._kill_at = time.monotonic() + self._grace
                while not self._given_up and (not self._ended or self._pidfd in self._handlers):
                    self._step(None)
                self._reap()
        except BaseException:
            if os.getpid() == self._owner:
                self._send_signal(signal.SIGKILL)
            raise
        finally:
            self._release()

    def close(self) -> None:
        if not self._ended:
            self.cancel()
        self.finish()

    def _reap(self) -> None:
        if self._pidfd is None and not self._given_up:  # its output has ended, and it may go on a moment
            try:
                self._process.wait(self._grace)
            except subprocess.TimeoutExpired:
                self._send_signal(signal.SIGKILL)
        try:
            self._process.wait(0 if self._given_up else self._grace)
        except subprocess.TimeoutExpired:
            self._why = "it does not end"
        if self._errors_fd in self._handlers:
            self._listen()

    def _release(self) -> None:
        # In a process that was forked off, whoever held the lock is not there.
        with self._lock if os.getpid() == self._owner else threading.Lock():
            for fd in (self._wake_reader, self._wake_writer, self._pidfd):
                if fd is not None and fd >= 0:
                    os.close(fd)
            self._wake_reader = self._wake_writer = -1
            self._pidfd = None
        self._selector.close()
        for each in (self._input, self._output, self._errors):
            each.close()
        self._handlers.clear()

    def cancelled(self) -> bool:
        status = self._process.returncode
        return self._asked and not self._why and (status == -self._signal or (self._hang_up and status is not None))

    def complaint(self) -> str:
        said = self._said.decode("utf-8", "replace").strip()
        status = self._process.returncode
        how = self._why or ("" if status is None else f"killed by signal {-status}" if status < 0 else f"exit status {status}")
        return f"{shown(' '.join(self._command))}: {how}" + (f"; it says: {shown(said)}" if said else "")


# Signals that would end a helper, and so cancel its run, the first that is not ignored.
_ENDINGS = (signal.SIGTERM, signal.SIGINT, signal.SIGHUP, signal.SIGUSR1, signal.SIGUSR2, signal.SIGALRM, signal.SIGKILL)


def _pidfd(pid: int) -> Optional[int]:
    """Readable when the process is over; None where this Python has none, or where the process is over and gone already."""
    if not hasattr(os, "pidfd_open"):
        return None
    try:
        pidfd: int = os.pidfd_open(pid)
        return pidfd
    except OSError:
        return None


def _piece(fd: int) -> Optional[bytes]:
    """What is there to read; b"" at the end, None where there is nothing now."""
    try:
        return os.read(fd, _PIECE)
    except (BlockingIOError, InterruptedError):
        return None
    except OSError:
        return b""
