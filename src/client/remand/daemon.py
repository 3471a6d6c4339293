"""The way by the socket of a daemon, `remand serve`: one connection per run, which streams its events.

Always holds: the run ends with its connection, and so with the program; nobody waits for a daemon without end once a run was cancelled; at most a few pieces of
what it says wait here for whoever receives them; no descriptor and no thread is left, and in a fork of the program nothing is sent, cancelled or ended.
"""

from __future__ import annotations

import http.client
import json
import os
import queue
import socket
import threading
import time
from typing import Any, Dict, List, Optional, Union

from .errors import HelperError
from .helper import GRACE, LONGEST_LINE
from .lines import Lines, TooLong
from .text import shown
from .transport import Exchange, Transport

_PIECE = 1 << 16
_AHEAD = 16
# The longest document that says why there is no run.
_PROBLEM = 1 << 20
_DATA = b"data: "


class NobodyListens(HelperError):
    """There is no daemon at that socket."""


class SocketTransport(Transport):
    """`path`: the daemon's socket; without it that of the environment variable REMAND_SOCKET, or the first of the usual ones that is there."""

    def __init__(self, path: Union[str, os.PathLike[str], None] = None, *, grace: float = GRACE, longest_line: int = LONGEST_LINE) -> None:
        self._path = None if path is None else os.fspath(path)
        self._grace = grace
        self._longest_line = longest_line

    def path(self) -> str:
        """Where the socket is."""
        found = [self._path] if self._path is not None else places()
        return next((path for path in found if os.path.exists(path)), found[0] if found else "")

    def start(self, request: bytes) -> SocketExchange:
        return SocketExchange(self.path(), request, self._grace, self._longest_line)


def places() -> List[str]:
    """Where a daemon's socket can be. REMAND_SOCKET names the one, or by an empty text that there is none."""
    named = os.environ.get("REMAND_SOCKET")
    if named is not None:
        return [os.path.abspath(named)] if named else []
    own = os.environ.get("XDG_RUNTIME_DIR", "") if os.geteuid() else ""
    return [os.path.join(place, "remand", "remand.sock") for place in (own, "/run") if os.path.isabs(place)]


class _Socket(socket.socket):
    """One whose other end may go at any time: SIGPIPE, which the program around us may not ignore, is not for it."""

    def sendall(self, data: Any, flags: int = 0) -> None:
        super().sendall(data, flags | socket.MSG_NOSIGNAL)


class _Connection(http.client.HTTPConnection):
    """To a daemon at this path; connected at once."""

    def __init__(self, path: str, patience: float) -> None:
        super().__init__("remand")
        self.sock = _Socket(socket.AF_UNIX, socket.SOCK_STREAM)
        try:
            self.sock.settimeout(patience)
            self.sock.connect(path)
            self.sock.settimeout(None)
        except BaseException:
            self.close()
            raise

    def connect(self) -> None:
        raise http.client.NotConnected("the daemon closed the connection")


class SocketExchange(Exchange):
    """One connection."""

    def __init__(self, path: str, request: bytes, grace: float, longest_line: int) -> None:
        self._path = path
        self._grace = grace
        self._owner = os.getpid()
        self._lines = Lines(longest_line)
        self._pieces: queue.Queue[Optional[bytes]] = queue.Queue(_AHEAD)  # b"" is the end, None nothing
        self._why = ""
        self._run = ""
        self._asked = False  # to end
        self._ended = False  # nothing will come
        self._unwanted = False
        self._give_up_at: Optional[float] = None
        self._canceller: Optional[_Connection] = None
        self._lock = threading.Lock()  # of `_run`, `_asked` and `_canceller`
        try:
            self._connection = _Connection(path, grace)
            self._socket = self._connection.sock
        except (FileNotFoundError, NotADirectoryError, ConnectionRefusedError, PermissionError) as error:
            raise NobodyListens(f"no daemon listens at {shown(path)}: {shown(str(error))}") from error
        except (OSError, ValueError) as error:
            raise HelperError(f"the daemon at {shown(path)}: {shown(str(error))}") from error
        try:
            self._thread = threading.Thread(target=self._work, args=(request,), name="remand-socket", daemon=True)
            self._thread.start()
        except BaseException:
            self._connection.close()
            raise

    @property
    def number(self) -> Optional[int]:
        """None: what the daemon calls the run is no number."""
        return None

    def _work(self, request: bytes) -> None:
        """In a thread of its own: sends the request, and passes on what is answered."""
        try:
            self._exchange(request)
        except http.client.IncompleteRead:
            self._why = self._why or "it went before the run was over"
        except (OSError, ValueError, http.client.HTTPException) as error:
            self._why = self._why or str(error) or type(error).__name__
        self._put(b"")

    def _exchange(self, request: bytes) -> None:
        headers = {"Content-Type": "application/json", "Accept": "text/event-stream", "Connection": "close"}
        try:
            self._connection.request("POST", "/v1/runs", request, headers)
        except (BrokenPipeError, ConnectionResetError):
            pass  # it takes no more, and may have said why
        with self._connection.getresponse() as response:
            if response.status != 200:
                return self._put(b"data: " + _problem(response).encode("ascii") + b"\n")
            with self._lock:
                self._run = (response.headers.get("Location") or "").rpartition("/")[2]
                asked = self._asked
            if asked:
                self._delete()
            while piece := response.read1(_PIECE):
                self._put(piece)

    def _put(self, piece: bytes) -> None:
        """Hands a piece over, as soon as there is room for it or it is wanted no longer."""
        while not self._unwanted:
            try:
                return self._pieces.put(piece, timeout=1)
            except queue.Full:
                continue

    def receive(self, timeout: Optional[float]) -> Optional[bytes]:
        deadline = None if timeout is None else time.monotonic() + timeout
        while True:
            try:
                line = self._lines.take()
            except TooLong as error:
                self._why = str(error)
                self._hang_up()
                self._ended = True
                return None
            if line is not None and line.startswith(_DATA):
                return line[len(_DATA) :]
            if line is None:
                if self._ended:
                    return None
                self._await(deadline)

    def _await(self, deadline: Optional[float]) -> None:
        """The next piece, or the end."""
        ends = [each for each in (deadline, self._give_up_at) if each is not None]
        now = time.monotonic()
        try:
            # Without an end, a wait could not be interrupted everywhere.
            piece = self._pieces.get(timeout=max(0.0, min(ends) - now) if ends else 3600)
        except queue.Empty:
            now = time.monotonic()
            if self._give_up_at is not None and now >= self._give_up_at:
                self._give_up_at, self._why = None, self._why or "it did not end the run when it was asked to"
                self._hang_up()
                self._ended = True
            elif deadline is not None and now >= deadline:
                raise TimeoutError from None
            return
        if piece is not None:
            self._lines.add(piece)
            self._ended = not piece

    def cancel(self) -> None:
        if os.getpid() != self._owner:
            return
        with self._lock:
            if self._asked or self._unwanted:
                return
            self._asked = True
            self._give_up_at = time.monotonic() + self._grace
            known = bool(self._run)
        try:
            self._pieces.put_nowait(None)  # whoever waits without an end looks at the clock anew
        except queue.Full:
            pass  # nobody waits
        if known:
            self._delete()

    def _delete(self) -> None:
        """Asks for the end of the run on a connection beside, whose answer nobody needs: it comes by the stream."""
        try:
            canceller = _Connection(self._path, self._grace)
            with self._lock:
                if self._unwanted:
                    return canceller.close()
                self._canceller = canceller
            canceller.request("DELETE", f"/v1/runs/{self._run}")
        except (OSError, ValueError, http.client.HTTPException):
            self._hang_up()  # which ends it too

    def _hang_up(self) -> None:
        """Ends the connection, whoever waits at it, and with it the run."""
        try:
            self._socket.shutdown(socket.SHUT_RDWR)
        except OSError:
            pass  # it has ended

    def finish(self) -> None:
        if os.getpid() != self._owner:
            self._socket.close()
            return
        with self._lock:
            if self._unwanted:
                return
            self._unwanted = True
        while not self._pieces.empty():  # so that the thread has not to wait for room
            self._pieces.get()
        try:
            self._thread.join(0 if self._ended else self._grace)
        finally:
            self._hang_up()
            self._thread.join(self._grace)
            self._connection.close()
            self._socket.close()
            if self._canceller is not None:
                self._canceller.close()

    def close(self) -> None:
        if not self._ended:
            self.cancel()
        self.finish()

    def cancelled(self) -> bool:
        return self._asked

    def complaint(self) -> str:
        return f"The daemon at {shown(self._path)}: {shown(self._why or 'it closed the connection')}"


def _problem(response: http.client.HTTPResponse) -> str:
    """What a daemon says that has no outcome, as the event that it would be."""
    text = response.read(_PROBLEM)
    try:
        said = json.loads(text.decode("utf-8"))
    except (ValueError, RecursionError):
        said = None
    if not isinstance(said, dict) or not isinstance(said.get("detail"), str):
        raise ValueError(f"it answered {response.status} {response.reason}, and is no daemon of remand's")
    problem: Dict[str, Any] = {**said, "event": "problem"}
    after = response.headers.get("Retry-After", "")
    if after.isascii() and after.isdigit():
        problem["retry_after"] = int(after[:9])
    return json.dumps(problem)
