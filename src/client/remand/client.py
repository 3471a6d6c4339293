"""The calls of a program that waits for them.

Always holds: a run belongs to the call that made it, and is over when that is.
"""

from __future__ import annotations

import os
from collections import deque
from concurrent.futures import Future, ThreadPoolExecutor
from types import TracebackType
from typing import TYPE_CHECKING, Any, Deque, Iterable, Iterator, Mapping, Optional, Tuple, Type, Union

from .call import Call
from .events import Event
from .outcome import Outcome
from .request import RequestFields, encode
from .transport import Transport, find

if TYPE_CHECKING:
    from typing_extensions import Unpack


class Client:
    """`transport`: the way to remand; without it the best that is there. `defaults`: fields of every request that does not say otherwise. Any number of
    threads may use one client."""

    def __init__(self, transport: Optional[Transport] = None, **defaults: Unpack[RequestFields]) -> None:
        self._transport = transport
        self._defaults: Mapping[str, Any] = dict(defaults)
        encode(None, {name: value for name, value in defaults.items() if name != "items"})  # a mistake is told here

    def run(self, code: Optional[str] = None, *, timeout: Optional[float] = None, check: bool = True, **fields: Unpack[RequestFields]) -> Outcome:
        """Runs `code` and gives its outcome. `fields` are those of docs/request.md, `files` a mapping from names to contents (str, bytes, a path that is read
        here, File, Directory, files of an outcome). After `timeout` seconds the run is cancelled. With `check`, whatever is not `Finished` raises the
        `RunError` of its verdict; without it, any verdict is returned. A request that cannot be run raises RequestError in either case."""
        return self.call(code, fields, timeout, check).outcome()

    def stream(self, code: Optional[str] = None, *, timeout: Optional[float] = None, check: bool = True, **fields: Unpack[RequestFields]) -> Stream:
        """The same, event by event; the last that comes is the outcome, and then, with `check`, the `RunError` of a run that did not finish. Closing the
        stream, or leaving it behind, cancels the run."""
        return Stream(self.call(code, fields, timeout, check))

    def map(
        self,
        code: Optional[str] = None,
        *,
        items: Optional[Iterable[Any]] = None,
        inputs: Optional[Iterable[Mapping[str, Any]]] = None,
        concurrency: Optional[int] = None,
        timeout: Optional[float] = None,
        check: bool = True,
        **fields: Any,
    ) -> Iterator[Outcome]:
        """A run for each of `items`, which finds it as its one item, or for each of `inputs`, which are fields of its request (`{"query": 1}`,
        `{"stdin": "1 2"}`). Outcomes come in the order of what went in; `concurrency` runs go on at once (as many as there are processors), and at most
        twice as many are taken from what goes in. `timeout` is each run's. An exception, and leaving the iterator behind, cancels the runs that go on."""
        return _map(self, code, each_input(items, inputs), concurrency or os.cpu_count() or 1, timeout, check, fields)

    def call(self, code: Optional[str], fields: Mapping[str, Any], timeout: Optional[float] = None, check: bool = True) -> Call:
        """A run that was not started yet."""
        given = {**self._defaults, **fields}
        return Call(self._transport or find(), lambda: encode(code, given), str(given.get("policy") or "default"), timeout, check)


def each_input(items: Optional[Iterable[Any]], inputs: Optional[Iterable[Mapping[str, Any]]]) -> Iterator[Mapping[str, Any]]:
    """The fields of each run."""
    if (items is None) == (inputs is None):
        raise TypeError("either items or inputs, of which each gets a run")
    return iter(inputs) if inputs is not None else ({"items": [item]} for item in items or ())


def _map(
    client: Client,
    code: Optional[str],
    inputs: Iterator[Mapping[str, Any]],
    concurrency: int,
    timeout: Optional[float],
    check: bool,
    fields: Mapping[str, Any],
) -> Iterator[Outcome]:
    going: Deque[Tuple[Call, Future[Outcome]]] = deque()
    with ThreadPoolExecutor(concurrency, thread_name_prefix="remand") as pool:
        try:
            for each in inputs:
                call = client.call(code, {**fields, **each}, timeout, check)
                going.append((call, pool.submit(call.outcome)))
                if len(going) == 2 * concurrency:  # so that a slow one does not hold the others up
                    yield going.popleft()[1].result()
            while going:
                yield going.popleft()[1].result()
        finally:
            for call, future in going:
                future.cancel()
                call.cancel()


class Stream(Iterator[Union[Event, Outcome]]):
    """The events of a run; its last is the outcome. One thread at a time reads; any thread may cancel."""

    def __init__(self, call: Call) -> None:
        self._call = call
        self._over = False
        #: The outcome, once it came.
        self.outcome: Optional[Outcome] = None
        call.start()

    def __next__(self) -> Union[Event, Outcome]:
        if self._over:
            raise StopIteration
        if self.outcome is not None:
            self._over = True
            self._call.checked(self.outcome)
            raise StopIteration
        try:
            said = self._call.next()
        except BaseException:
            self._over = True
            raise
        if isinstance(said, Outcome):
            self.outcome = said
        return said

    def cancel(self) -> None:
        """Begins to end the run; its events up to the outcome still come."""
        self._call.cancel()

    def close(self) -> None:
        """Ends the run, if it goes on."""
        self._over = True
        self._call.close()

    def __enter__(self) -> Stream:
        return self

    def __exit__(self, kind: Optional[Type[BaseException]], error: Optional[BaseException], trace: Optional[TracebackType]) -> None:
        self.close()

    def __del__(self) -> None:
        if hasattr(self, "_over"):
            self.close()
