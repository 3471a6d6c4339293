"""A `concurrent.futures.Executor` whose workers are runs.

Always holds: a future that is running and cancelled has its run ended; it then says so by RunCancelled, since a future that runs has no other way.
"""

from __future__ import annotations

import threading
from concurrent.futures import Executor, Future, ThreadPoolExecutor
from typing import Any, Iterable, Iterator, Mapping, Optional, Set

from .call import Call
from .client import Client, each_input
from .outcome import Outcome


class RunFuture(Future[Outcome]):
    """The outcome of a run to come."""

    def __init__(self, call: Call) -> None:
        super().__init__()
        self._call = call

    def cancel(self) -> bool:
        """True where the run was not started and never will be. One that goes on is ended: the future gets RunCancelled soon after, and this is False, as for
        any future that runs."""
        if super().cancel():
            return True
        if not self.done():
            self._call.cancel()
        return False

    def work(self) -> None:
        """Runs it; the executor's own."""
        if not self.set_running_or_notify_cancel():
            return
        try:
            outcome = self._call.outcome()
        except BaseException as error:
            self.set_exception(error)
        else:
            self.set_result(outcome)


class RemandExecutor(Executor):
    """`max_workers`: how many runs go on at once (without it, as ThreadPoolExecutor has it)."""

    def __init__(self, max_workers: Optional[int] = None, *, client: Optional[Client] = None) -> None:
        self._client = client or Client()
        self._pool = ThreadPoolExecutor(max_workers, thread_name_prefix="remand")
        self._futures: Set[RunFuture] = set()
        self._lock = threading.Lock()

    def submit(  # type: ignore[override]
        self, code: Optional[str] = None, /, *, timeout: Optional[float] = None, check: bool = True, **fields: Any
    ) -> RunFuture:
        """See Client.run; its outcome, or its exception, is the future's."""
        future = RunFuture(self._client.call(code, fields, timeout, check))
        with self._lock:
            self._futures.add(future)
        future.add_done_callback(self._forget)
        try:
            self._pool.submit(future.work)
        except RuntimeError:
            self._forget(future)
            raise
        return future

    def map(  # type: ignore[override]
        self,
        code: Optional[str] = None,
        items: Optional[Iterable[Any]] = None,
        *,
        inputs: Optional[Iterable[Mapping[str, Any]]] = None,
        timeout: Optional[float] = None,
        chunksize: int = 1,
        **fields: Any,
    ) -> Iterator[Outcome]:
        """See Client.map. As with any executor, all of what goes in is taken at once. `timeout` is each run's, `chunksize` means nothing: each has a run of its
        own."""
        futures = [self.submit(code, timeout=timeout, **{**fields, **each}) for each in each_input(items, inputs)]
        return _results(futures)

    def shutdown(self, wait: bool = True, *, cancel_futures: bool = False) -> None:
        """`cancel_futures`: those whose run was not started never start; runs that go on end by themselves."""
        if cancel_futures:
            with self._lock:
                futures = list(self._futures)
            for future in futures:
                if not future.running():
                    Future.cancel(future)
        self._pool.shutdown(wait)

    def _forget(self, future: Future[Outcome]) -> None:
        with self._lock:
            self._futures.discard(future)


def _results(futures: list[RunFuture]) -> Iterator[Outcome]:
    try:
        futures.reverse()
        while futures:
            yield futures.pop().result()
    finally:
        for future in futures:
            future.cancel()
