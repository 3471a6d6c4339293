"""What a call raises.

Always holds: the message of each is printable and bounded, whatever the code said; each can be pickled.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Dict, Optional, Type

from .text import shown
from .verdict import Cancelled, Exceeded, Exited, Internal, MalformedResult, NoResult, NotStarted, Raised, Signaled, Verdict, Violated

if TYPE_CHECKING:
    from .outcome import Outcome


class RemandError(Exception):
    """The base of all of them."""


class RequestError(RemandError):
    """The request, its policy or the host does not let a run be made; none was. `exit_status` is that of `remand helper`; `retry_after`, where a
    daemon is busy, the seconds after which it may do it."""

    def __init__(self, detail: str, hint: Optional[str] = None, exit_status: int = 2, retry_after: Optional[int] = None) -> None:
        super().__init__(detail, hint, exit_status, retry_after)
        self.detail = detail
        self.hint = hint
        self.exit_status = exit_status
        self.retry_after = retry_after

    def __str__(self) -> str:
        return shown(self.detail, lines=True) + (f"\n  {shown(self.hint, lines=True)}" if self.hint else "")


class HelperError(RemandError):
    """Whoever makes the runs is not there, or went without an answer."""


class RunError(RemandError):
    """A run that did not finish; `outcome` is its record."""

    def __init__(self, outcome: Outcome) -> None:
        super().__init__(outcome)
        self.outcome = outcome

    def __str__(self) -> str:
        error = self.outcome.error
        said = str(self.outcome.verdict)
        if error is None:
            return said
        line = "" if error.line is None else f", line {error.line}"
        told = shown(f"{error.type}: {error.message}" if error.message else error.type)
        return told + line if isinstance(self.outcome.verdict, Raised) else f"{said}; {told}{line}"


class CodeRaised(RunError):
    """The verdict is `Raised`."""


class CodeExited(RunError):
    """The verdict is `Exited`."""


class CodeSignaled(RunError):
    """The verdict is `Signaled`."""


class LimitExceeded(RunError):
    """The verdict is `Exceeded`."""


class PolicyViolated(RunError):
    """The verdict is `Violated`."""


class RunCancelled(RunError):
    """The verdict is `Cancelled`."""


class RunTimeout(RunCancelled, TimeoutError):
    """The caller's `timeout` was over, and the run was cancelled for it."""

    def __str__(self) -> str:
        return "cancelled: the timeout of the call was over"


class ResultMissing(RunError):
    """The verdict is `NoResult`."""


class ResultMalformed(RunError):
    """The verdict is `MalformedResult`."""


class StartFailed(RunError):
    """The verdict is `NotStarted`."""


class InternalError(RunError):
    """The verdict is `Internal`."""


_ERRORS: Dict[Type[Verdict], Type[RunError]] = {
    Raised: CodeRaised,
    Exited: CodeExited,
    Signaled: CodeSignaled,
    Exceeded: LimitExceeded,
    Violated: PolicyViolated,
    Cancelled: RunCancelled,
    NoResult: ResultMissing,
    MalformedResult: ResultMalformed,
    NotStarted: StartFailed,
    Internal: InternalError,
}


def run_error(outcome: Outcome) -> RunError:
    """The exception of a verdict."""
    return _ERRORS.get(type(outcome.verdict), RunError)(outcome)
