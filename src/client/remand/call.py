"""One run, from its request to its outcome, whichever way it goes.

Always holds: a call ends with an outcome or an error; whatever ends it early (an exception, a timeout, an iterator that is closed, a signal's KeyboardInterrupt)
cancels the run first and waits for its end.
"""

from __future__ import annotations

import json
import threading
import time
from typing import Any, Callable, Dict, Optional, Union

from .errors import HelperError, RequestError, RunTimeout
from .events import Event, event
from .outcome import Outcome
from .record import Malformed
from .text import shown
from .transport import Exchange, Transport


class Call:
    """`request` makes the request's text, when and where the call starts. `timeout`: seconds from the start, after which the run is cancelled."""

    def __init__(self, transport: Transport, request: Callable[[], bytes], policy: str, timeout: Optional[float], check: bool) -> None:
        self._transport = transport
        self._request = request
        self._policy = policy
        self._run = ""
        self._timeout = timeout
        self._check = check
        self._deadline: Optional[float] = None
        self._timed_out = False
        self._cancelled = False
        self._exchange: Optional[Exchange] = None
        self._lock = threading.Lock()

    @property
    def number(self) -> Optional[int]:
        """See `Exchange.number`."""
        return None if self._exchange is None else self._exchange.number

    def start(self) -> None:
        """Sends the request."""
        if self._timeout is not None:
            self._deadline = time.monotonic() + self._timeout
        exchange = self._transport.start(self._request())
        with self._lock:
            self._exchange = exchange
        if self._cancelled:  # before there was anything to cancel
            exchange.cancel()

    def cancel(self) -> None:
        """Begins to end the run, from any thread, started or not."""
        with self._lock:
            self._cancelled = True
        if self._exchange is not None:
            self._exchange.cancel()

    def close(self) -> None:
        """Ends the run, if it goes on."""
        if self._exchange is not None:
            self._exchange.close()

    def outcome(self) -> Outcome:
        """The outcome, without the events before it; starts what was not started."""
        try:
            if self._exchange is None:
                self.start()
            said = None
            while not isinstance(said, Outcome):
                said = self._next(events=False)
        except BaseException:
            self.close()
            raise
        return self.checked(said)

    def checked(self, outcome: Outcome) -> Outcome:
        """The outcome, or the exception that the caller wants in its place."""
        if not self._check:
            return outcome
        if self._timed_out and outcome.verdict.kind == "cancelled":
            raise RunTimeout(outcome)
        return outcome.check()

    def next(self) -> Union[Event, Outcome]:
        """The next event, or the outcome, which is the last."""
        try:
            said = self._next(events=True)
            assert said is not None
            return said
        except BaseException:
            self.close()
            raise

    def _next(self, events: bool) -> Union[Event, Outcome, None]:
        """The same; without `events`, None for all but the last."""
        assert self._exchange is not None
        line = self._line(self._exchange)
        if line is None:
            self._exchange.finish()
            if self._exchange.cancelled():
                return Outcome.cancelled(self._run, self._policy)
            raise HelperError(f"no answer came. {self._exchange.complaint()}")
        # What cannot be the last line need not be understood.
        if not events and self._run and b"outcome" not in line and b"problem" not in line:
            return None
        try:
            said = _object(line)
            if said.get("event") == "outcome":
                outcome = Outcome.read(said.get("outcome"))
                self._exchange.finish()
                return outcome
            if said.get("event") == "start":
                self._run = str(said.get("run"))
            if said.get("event") != "problem":
                return event(said) if events else None
        except (ValueError, RecursionError) as error:
            raise HelperError(f"remand's answer cannot be understood: {shown(str(error))}") from error
        self._exchange.finish()
        hint, status, after = said.get("hint"), said.get("exit_status"), said.get("retry_after")
        raise RequestError(
            str(said.get("detail")),
            hint if isinstance(hint, str) else None,
            status if isinstance(status, int) else 2,
            after if isinstance(after, int) else None,
        )

    def _line(self, exchange: Exchange) -> Optional[bytes]:
        while True:
            try:
                return exchange.receive(None if self._deadline is None else max(0.0, self._deadline - time.monotonic()))
            except TimeoutError:
                self._deadline, self._timed_out = None, True
                exchange.cancel()


def _object(line: bytes) -> Dict[str, Any]:
    said = json.loads(line.decode("utf-8"), parse_constant=_no_json)
    if not isinstance(said, dict):
        raise Malformed("no object")
    return said


def _no_json(name: str) -> Any:
    raise Malformed(f"{name} is no JSON")
