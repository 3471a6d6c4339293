"""The pipe of a run in the shape of a `multiprocessing` process: its two ends, and the one message that goes through it.

The message is JSON behind its length in four bytes, big end first, as `Connection` frames it and n8n's task runner reads it; `recv` gives

    {"result": value, "print_args": [[...], ...]}                                           the code returned
    {"error": {"message", "description", "stack", "stderr"}, "print_args": [[...], ...]}    it raised, or could not be started

and a run that was ended, or ended itself, closes the pipe without one: EOFError.

Always holds: what goes through was read from the record by this program; it is never pickle.
"""

from __future__ import annotations

import json
import socket
import threading
from multiprocessing.connection import Connection
from types import TracebackType
from typing import Any, Dict, List, NoReturn, Optional, Type

from .errors import RemandError
from .outcome import Outcome
from .verdict import Finished, Raised

# n8n keeps so many calls of print, and tells how many more there were.
_PRINTS = 100


class ReadConnection(Connection):
    """The read end, for `multiprocessing.connection.wait` too."""

    def recv(self) -> Any:
        """The message as plain data; EOFError where there is none."""
        return json.loads(self.recv_bytes().decode("utf-8"))

    def send(self, obj: Any) -> NoReturn:
        raise OSError("connection is read-only")


class WriteConnection:
    """No write end: the run alone holds that. So it can be closed, and nothing else."""

    def __init__(self) -> None:
        #: Whether it was closed, here or by the start of the process.
        self.closed = False

    def close(self) -> None:
        """As the parent does after the start."""
        self.closed = True

    def __enter__(self) -> WriteConnection:
        return self

    def __exit__(self, kind: Optional[Type[BaseException]], error: Optional[BaseException], trace: Optional[TracebackType]) -> None:
        self.close()

    def _none(self, *_: Any, **__: Any) -> NoReturn:
        raise OSError("the write end of a run's pipe is held by the run alone; here it can only be closed")

    send = send_bytes = recv = recv_bytes = recv_bytes_into = poll = fileno = _none
    readable = writable = property(_none)


def message(outcome: Optional[Outcome], problem: Optional[RemandError], exitcode: int) -> Optional[Dict[str, Any]]:
    """What goes through the pipe, if anything does."""
    if outcome is None:
        return {"error": {"message": str(problem), "description": "", "stack": "", "stderr": ""}, "print_args": []}
    if isinstance(outcome.verdict, Finished):
        return {"result": outcome.value, "print_args": _prints(outcome)}
    if exitcode == 255:
        error = {"message": str(outcome.verdict), "description": "", "stack": ""}
    elif isinstance(outcome.verdict, Raised) and outcome.error is not None:
        left = outcome.error.type == "SystemExit"
        message = f"Process exited with code {outcome.error.message or None}" if left else outcome.error.message
        error = {"message": message, "description": outcome.error.description or "", "stack": outcome.error.stack or ""}
    else:
        return None
    return {"error": {**error, "stderr": outcome.stderr.text}, "print_args": _prints(outcome)}


def _prints(outcome: Outcome) -> List[List[str]]:
    said = [each for each in outcome.output if each.channel == "print"]
    shown = [[_printed(value) for value in ([each.text.rstrip("\n")] if each.values is None else each.values)] for each in said[:_PRINTS]]
    more = len(said) - _PRINTS
    return shown + ([[f"[Output truncated - {more} more print statements]"]] if more > 0 else [])


def _printed(value: Any) -> str:
    """As n8n shows an argument of print."""
    if isinstance(value, str):
        return f"'{value}'"
    if value is None or isinstance(value, (bool, int, float)):
        return str(value)
    return json.dumps(value, ensure_ascii=False)


def _framed(whole: Dict[str, Any]) -> bytes:
    body = json.dumps(whole).encode("ascii")
    return len(body).to_bytes(4, "big") + body


def deliver(to: socket.socket, whole: Optional[Dict[str, Any]]) -> None:
    """Sends a message, if there is one, and closes. What nobody reads yet must not keep the program from ending."""
    left = memoryview(b"" if whole is None else _framed(whole))
    to.setblocking(False)
    try:
        left = left[to.send(left, socket.MSG_NOSIGNAL) :] if left else left
    except BlockingIOError:
        pass
    except OSError:  # the reader closed its end
        left = left[:0]
    if not left:
        to.close()
        return
    to.setblocking(True)
    try:
        threading.Thread(target=_send_rest, args=(to, left), daemon=True).start()
    except RuntimeError:  # the program ends, and will not read it
        to.close()


def _send_rest(to: socket.socket, left: memoryview) -> None:
    with to:
        try:
            to.sendall(left, socket.MSG_NOSIGNAL)
        except OSError:
            pass  # the reader closed its end
