"""remand runs untrusted Python: code and input in, one record out.

    >>> import remand
    >>> remand.run("return [n * 2 for n in _items]", items=[1, 2]).value
    [2, 4]

`run`, `stream` and `map` use a client with nothing set; see Client, AsyncClient, RemandExecutor and create_process, and docs/python.md.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Iterable, Iterator, Mapping, Optional

from .artifacts import Artifact, Files
from .client import Client, Stream
from .daemon import SocketTransport
from .errors import (
    CodeExited,
    CodeRaised,
    CodeSignaled,
    HelperError,
    InternalError,
    LimitExceeded,
    PolicyViolated,
    RemandError,
    RequestError,
    ResultMalformed,
    ResultMissing,
    RunCancelled,
    RunError,
    RunTimeout,
    StartFailed,
)
from .events import DisplayEvent, Dropped, Event, Item, Print, Start, Stderr, Stdout, UnknownEvent, UsageEvent
from .helper import HelperTransport
from .outcome import Captured, CodeError, Frame, Outcome, Said, Usage, Violation
from .request import Directory, File, RequestFields
from .verdict import (
    Cancelled,
    Exceeded,
    Exited,
    Finished,
    Internal,
    MalformedResult,
    NoResult,
    NotStarted,
    Raised,
    Signaled,
    UnknownVerdict,
    Verdict,
    Violated,
)

if TYPE_CHECKING:
    from typing_extensions import Unpack

    from .aio import AsyncClient, AsyncStream
    from .executor import RemandExecutor, RunFuture
    from .pipe import ReadConnection, WriteConnection
    from .process import RunProcess, create_process

# What brings asyncio or multiprocessing along is imported when it is asked for.
_LATER = {
    "AsyncClient": "aio",
    "AsyncStream": "aio",
    "RemandExecutor": "executor",
    "RunFuture": "executor",
    "ReadConnection": "pipe",
    "RunProcess": "process",
    "WriteConnection": "pipe",
    "create_process": "process",
}

__all__ = [
    "Artifact",
    "AsyncClient",
    "AsyncStream",
    "Cancelled",
    "Captured",
    "Client",
    "CodeError",
    "CodeExited",
    "CodeRaised",
    "CodeSignaled",
    "Directory",
    "DisplayEvent",
    "Dropped",
    "Event",
    "Exceeded",
    "Exited",
    "File",
    "Files",
    "Finished",
    "Frame",
    "HelperError",
    "HelperTransport",
    "Internal",
    "InternalError",
    "Item",
    "LimitExceeded",
    "MalformedResult",
    "NoResult",
    "NotStarted",
    "Outcome",
    "PolicyViolated",
    "Print",
    "Raised",
    "ReadConnection",
    "RemandError",
    "RemandExecutor",
    "RequestError",
    "RequestFields",
    "ResultMalformed",
    "ResultMissing",
    "RunCancelled",
    "RunError",
    "RunFuture",
    "RunProcess",
    "RunTimeout",
    "Said",
    "Signaled",
    "SocketTransport",
    "Start",
    "StartFailed",
    "Stderr",
    "Stdout",
    "Stream",
    "UnknownEvent",
    "UnknownVerdict",
    "Usage",
    "UsageEvent",
    "Verdict",
    "Violated",
    "Violation",
    "WriteConnection",
    "create_process",
    "map",
    "run",
    "stream",
]


def __getattr__(name: str) -> Any:
    if name not in _LATER:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    import importlib

    return getattr(importlib.import_module(f".{_LATER[name]}", __name__), name)


def run(code: Optional[str] = None, *, timeout: Optional[float] = None, check: bool = True, **fields: Unpack[RequestFields]) -> Outcome:
    """See Client.run."""
    return Client().run(code, timeout=timeout, check=check, **fields)


def stream(code: Optional[str] = None, *, timeout: Optional[float] = None, check: bool = True, **fields: Unpack[RequestFields]) -> Stream:
    """See Client.stream."""
    return Client().stream(code, timeout=timeout, check=check, **fields)


def map(
    code: Optional[str] = None,
    *,
    items: Optional[Iterable[Any]] = None,
    inputs: Optional[Iterable[Mapping[str, Any]]] = None,
    concurrency: Optional[int] = None,
    timeout: Optional[float] = None,
    check: bool = True,
    **fields: Any,
) -> Iterator[Outcome]:
    """See Client.map."""
    return Client().map(code, items=items, inputs=inputs, concurrency=concurrency, timeout=timeout, check=check, **fields)
