"""How a run ended: a closed list, each ending with its evidence (docs/outcome.md, Verdicts).

Always holds: `str` of a verdict is one printable line.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar, Dict, Type

from .record import Malformed, Record
from .text import shown


@dataclass(frozen=True)
class Verdict(Record):
    """The base of all of them."""

    kind: ClassVar[str] = ""

    def __str__(self) -> str:
        return shown(self._said())

    def _said(self) -> str:
        return self.kind.replace("_", " ")


@dataclass(frozen=True)
class Finished(Verdict):
    """One valid result, then exit status 0; of a program the exit status alone."""

    kind = "finished"


@dataclass(frozen=True)
class Raised(Verdict):
    """The code raised an exception: `error` of the outcome."""

    kind = "raised"


@dataclass(frozen=True)
class Exited(Verdict):
    """The process ended itself without a result; a program: with another status than 0."""

    code: int
    kind = "exited"

    def _said(self) -> str:
        return f"exited with {self.code}"


@dataclass(frozen=True)
class Signaled(Verdict):
    """A signal that remand did not send ended the process."""

    signal: int
    name: str
    kind = "signaled"

    def _said(self) -> str:
        return f"ended by {self.name}"


@dataclass(frozen=True)
class Exceeded(Verdict):
    """A limit ended the run, or the run failed after it had hit one. `allowed` and `seen` are numbers of `unit`."""

    limit: str
    allowed: int
    seen: int
    unit: str
    source: str
    level: str = "run"
    kind = "exceeded"

    def _said(self) -> str:
        whose = "" if self.level == "run" else f" of the {self.level}"
        return f"over limits.{self.limit}{whose}: {self.allowed} {self.unit} allowed, {self.seen} {self.unit} seen ({self.source})"


@dataclass(frozen=True)
class Violated(Verdict):
    """A process of the run made a call that the policy ends the run for: `violations` of the outcome."""

    source: str
    kind = "violated"


@dataclass(frozen=True)
class Cancelled(Verdict):
    """The caller asked for the end."""

    kind = "cancelled"


@dataclass(frozen=True)
class NoResult(Verdict):
    """Exit status 0 without a result, of code that is a function."""

    kind = "no_result"


@dataclass(frozen=True)
class MalformedResult(Verdict):
    """The result pipe carried what the protocol does not allow."""

    reason: str
    kind = "malformed_result"

    def _said(self) -> str:
        return f"malformed result: {self.reason}"


@dataclass(frozen=True)
class NotStarted(Verdict):
    """A required protection, the interpreter or a step of the start failed; no line of the code ran."""

    step: str
    index: int
    errno: int
    hint: str
    kind = "not_started"

    def _said(self) -> str:
        return f"not started: step {self.step}, errno {self.errno}: {self.hint}"


@dataclass(frozen=True)
class Internal(Verdict):
    """remand failed."""

    message: str
    kind = "internal"

    def _said(self) -> str:
        return f"internal: {self.message}"


@dataclass(frozen=True)
class UnknownVerdict(Verdict):
    """An ending that only a newer remand knows: `raw` has it."""

    def _said(self) -> str:
        return f"{self.raw['kind']} (this client does not know it)"


_KINDS: Dict[str, Type[Verdict]] = {
    each.kind: each for each in (Finished, Raised, Exited, Signaled, Exceeded, Violated, Cancelled, NoResult, MalformedResult, NotStarted, Internal)
}


def read_verdict(raw: Any) -> Verdict:
    """The verdict that `raw` says."""
    if not isinstance(raw, dict) or not isinstance(raw.get("kind"), str):
        raise Malformed("verdict: no kind")
    return _KINDS.get(raw["kind"], UnknownVerdict).read(raw)
