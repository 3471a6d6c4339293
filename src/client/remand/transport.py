"""What a client needs of whoever makes the runs: one request out, lines of JSON back.

`daemon.SocketTransport` asks a daemon, `helper.HelperTransport` starts a process per run; both take the same request and tell the same events.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import Optional


class Exchange(ABC):
    """One request on its way. One thread at a time receives, finishes and closes; any thread may cancel, at any time."""

    @property
    @abstractmethod
    def number(self) -> Optional[int]:
        """The number that the run goes by at whoever makes it, if any."""

    @abstractmethod
    def receive(self, timeout: Optional[float]) -> Optional[bytes]:
        """The next line; None where there will be none. TimeoutError where none came within so many seconds."""

    @abstractmethod
    def cancel(self) -> None:
        """Begins to end the run. Its answer still comes, by `receive`; where it does not come in time, the end of the lines does."""

    @abstractmethod
    def finish(self) -> None:
        """Waits, not for ever, for what comes after the answer, and gives back all that the exchange holds."""

    @abstractmethod
    def close(self) -> None:
        """The same, for a run that may still go on: it is cancelled."""

    @abstractmethod
    def cancelled(self) -> bool:
        """After the end of lines without an answer: whether cancelling is why, and the run is over."""

    @abstractmethod
    def complaint(self) -> str:
        """After the end of lines without an answer: what is known of why."""


class Transport(ABC):
    """A way to whoever makes the runs."""

    @abstractmethod
    def start(self, request: bytes) -> Exchange:
        """Sends a request. HelperError where there is nobody to send it to."""


class _Best(Transport):
    """A daemon's socket where one listens, else a process per run."""

    def start(self, request: bytes) -> Exchange:
        from .helper import HelperTransport
        from .daemon import NobodyListens, SocketTransport, places

        for path in places():
            try:
                return SocketTransport(path).start(request)
            except NobodyListens:
                continue
        return HelperTransport().start(request)


def find() -> Transport:
    """The best way that this machine has."""
    return _Best()
