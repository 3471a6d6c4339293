"""The same calls for programs on asyncio.

Always holds: a run has a thread of its own, and never the event loop's; a task that is cancelled gets its CancelledError when its run is over, not before.
"""

from __future__ import annotations

import asyncio
import os
from collections import deque
from concurrent.futures import ThreadPoolExecutor
from types import TracebackType
from typing import TYPE_CHECKING, Any, AsyncIterator, Callable, Deque, Iterable, Mapping, Optional, Type, TypeVar, Union

from .client import Client, Stream, each_input
from .events import Event
from .outcome import Outcome
from .request import RequestFields
from .transport import Transport

if TYPE_CHECKING:
    from typing_extensions import Unpack

T = TypeVar("T")


class AsyncClient:
    """See Client; its methods wait without holding the event loop up, and cancelling a task cancels its run."""

    def __init__(self, transport: Optional[Transport] = None, **defaults: Unpack[RequestFields]) -> None:
        self._client = Client(transport, **defaults)

    async def run(self, code: Optional[str] = None, *, timeout: Optional[float] = None, check: bool = True, **fields: Unpack[RequestFields]) -> Outcome:
        """See Client.run."""
        call = self._client.call(code, fields, timeout, check)
        with ThreadPoolExecutor(1, thread_name_prefix="remand") as thread:
            return await _in(thread, call.outcome, call.cancel)

    async def _run(self, slots: asyncio.Semaphore, code: Optional[str], timeout: Optional[float], check: bool, fields: Mapping[str, Any]) -> Outcome:
        async with slots:
            return await self.run(code, timeout=timeout, check=check, **fields)

    def stream(self, code: Optional[str] = None, *, timeout: Optional[float] = None, check: bool = True, **fields: Unpack[RequestFields]) -> AsyncStream:
        """See Client.stream; the run starts with the first event that is asked for."""
        return AsyncStream(lambda: self._client.stream(code, timeout=timeout, check=check, **fields))

    async def map(
        self,
        code: Optional[str] = None,
        *,
        items: Optional[Iterable[Any]] = None,
        inputs: Optional[Iterable[Mapping[str, Any]]] = None,
        concurrency: Optional[int] = None,
        timeout: Optional[float] = None,
        check: bool = True,
        **fields: Any,
    ) -> AsyncIterator[Outcome]:
        """See Client.map: `async for outcome in client.map(...)`."""
        most = concurrency or os.cpu_count() or 1
        slots = asyncio.Semaphore(most)
        going: Deque[asyncio.Task[Outcome]] = deque()
        try:
            for each in each_input(items, inputs):
                going.append(asyncio.ensure_future(self._run(slots, code, timeout, check, {**fields, **each})))
                if len(going) == 2 * most:
                    yield await going.popleft()
            while going:
                yield await going.popleft()
        finally:
            for task in going:
                task.cancel()
            await asyncio.gather(*going, return_exceptions=True)


class AsyncStream(AsyncIterator[Union[Event, Outcome]]):
    """See Stream: `async with client.stream(code) as events: async for event in events: ...`"""

    def __init__(self, start: Callable[[], Stream]) -> None:
        self._start = start
        self._stream: Optional[Stream] = None
        self._outcome: Optional[Outcome] = None
        self._over = False
        self._cancelled = False
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="remand")

    @property
    def outcome(self) -> Optional[Outcome]:
        """The outcome, once it came."""
        return self._outcome if self._stream is None else self._stream.outcome

    async def __anext__(self) -> Union[Event, Outcome]:
        if self._over:
            raise StopAsyncIteration
        try:
            said = await _in(self._thread, self._next, self.cancel)
        except BaseException:
            await self.aclose()
            raise
        if said is None:
            await self.aclose()
            raise StopAsyncIteration
        return said

    def _next(self) -> Union[Event, Outcome, None]:
        if self._stream is None:
            self._stream = self._start()
            if self._cancelled:
                self._stream.cancel()
        return next(self._stream, None)

    def cancel(self) -> None:
        """See Stream.cancel."""
        self._cancelled = True
        if self._stream is not None:
            self._stream.cancel()

    async def aclose(self) -> None:
        """See Stream.close."""
        self._over = True
        stream, self._stream, self._outcome = self._stream, None, self.outcome
        if stream is not None:
            stream.cancel()
            await _in(self._thread, stream.close, stream.cancel)
        self._thread.shutdown(wait=False)

    async def __aenter__(self) -> AsyncStream:
        return self

    async def __aexit__(self, kind: Optional[Type[BaseException]], error: Optional[BaseException], trace: Optional[TracebackType]) -> None:
        await self.aclose()


async def _in(thread: ThreadPoolExecutor, work: Callable[[], T], cancel: Callable[[], None]) -> T:
    """What `work` gives, done in `thread`. A task that is cancelled meanwhile cancels the work, and waits for its end."""
    future = asyncio.get_running_loop().run_in_executor(thread, work)
    try:
        return await asyncio.shield(future)
    except asyncio.CancelledError:
        cancel()
        while not future.done():
            try:
                await asyncio.wait([future])
            except asyncio.CancelledError:
                continue
        if not future.cancelled():
            future.exception()  # seen
        raise
