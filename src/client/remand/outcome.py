"""The record of one run (docs/outcome.md) as frozen objects.

Always holds: its texts, values and names are the code's own word but where docs/outcome.md says otherwise; nothing here acts on them.
"""

from __future__ import annotations

import reprlib
from dataclasses import dataclass, field
from typing import Any, Dict, Mapping, Optional, Tuple

from .artifacts import Files
from .errors import RunError, run_error
from .record import Malformed, Record, many, text
from .text import shown
from .verdict import Finished, Verdict, read_verdict

VERSION = 1


@dataclass(frozen=True)
class PolicyRef(Record):
    """Name of a policy, and SHA-256 of what it is after narrowing."""

    name: str
    hash: str


@dataclass(frozen=True)
class Frame(Record):
    """One line of a traceback. Lines and columns count from one."""

    file: str = ""
    function: Optional[str] = None
    line: Optional[int] = None
    column: Optional[int] = None
    end_line: Optional[int] = None
    end_column: Optional[int] = None
    text: Optional[str] = None
    mine: bool = False


@dataclass(frozen=True)
class CodeError(Record):
    """An exception of the code. `cause`, `context` and `members` are exceptions too."""

    type: str
    message: str
    description: Optional[str] = None
    stack: Optional[str] = None
    line: Optional[int] = None
    item: Optional[int] = None
    notes: Tuple[str, ...] = ()
    frames: Tuple[Frame, ...] = ()
    frames_left_out: int = 0
    members: Tuple[CodeError, ...] = ()
    members_left_out: int = 0
    cause: Optional[CodeError] = None
    context: Optional[CodeError] = None
    missing: Optional[Dict[str, Any]] = None


CodeError._parts = {
    "notes": many(text),
    "frames": many(Frame.read),
    "members": many(CodeError.read),
    "cause": CodeError.read,
    "context": CodeError.read,
}


@dataclass(frozen=True)
class Captured(Record):
    """What a run wrote to a stream: all of it, or its beginning, so many bytes `dropped`, and its `tail`."""

    text: str
    truncated: bool = False
    dropped: int = 0
    tail: Optional[str] = None


@dataclass(frozen=True)
class Said(Record):
    """One entry of `output`: where it was written to, and what."""

    channel: str
    text: str = ""
    us: Optional[int] = None
    values: Optional[Tuple[Any, ...]] = None
    dropped: Optional[int] = None

    _keys = {"channel": "from"}
    _parts = {"values": tuple}


@dataclass(frozen=True)
class LeftOut(Record):
    """A file that was wanted and is not among `files`; its name is escaped."""

    name: str
    why: str


@dataclass(frozen=True)
class Violation(Record):
    """One kind of denied system call, and the line of the policy that would allow it."""

    syscall: str
    args: Tuple[int, ...]
    count: int
    answered: str
    change: Optional[str] = None

    _parts = {"args": tuple}


@dataclass(frozen=True)
class Usage(Record):
    """What a run spent; None where nothing on the host counts it."""

    wall_ms: float
    cpu_ms: Dict[str, float]
    memory_peak: Optional[int] = None
    pids_peak: Optional[int] = None


@dataclass(frozen=True)
class Step(Record):
    """What one step cost, in microseconds."""

    step: str
    us: int


@dataclass(frozen=True)
class Outcome(Record):
    """All that is known of a run that is over."""

    version: int
    run: str
    policy: PolicyRef
    verdict: Verdict
    value: Any
    error: Optional[CodeError] = None
    replaced: Optional[Dict[str, Any]] = None
    displays: Tuple[Dict[str, Any], ...] = ()
    where: Optional[Dict[str, Any]] = None
    items: Optional[Dict[str, Any]] = None
    prints: Tuple[str, ...] = ()
    prints_dropped: Optional[Dict[str, Any]] = None
    stdin: Optional[Dict[str, Any]] = None
    left_running: int = 0
    tty: bool = False
    stdout: Captured = field(default_factory=lambda: Captured({}, ""))
    stderr: Captured = field(default_factory=lambda: Captured({}, ""))
    output: Tuple[Said, ...] = ()
    output_order: str = "read"
    files: Files = field(default_factory=lambda: Files(()))
    files_left_out: Tuple[LeftOut, ...] = ()
    files_left_out_truncated: bool = False
    violations: Tuple[Violation, ...] = ()
    violations_truncated: bool = False
    quiet: Tuple[Violation, ...] = ()
    usage: Optional[Usage] = None
    timing: Tuple[Step, ...] = ()
    enforcement: Mapping[str, Dict[str, Any]] = field(default_factory=dict)

    _parts = {
        "policy": PolicyRef.read,
        "verdict": read_verdict,
        "error": CodeError.read,
        "displays": many(dict),
        "prints": many(text),
        "stdout": Captured.read,
        "stderr": Captured.read,
        "output": many(Said.read),
        "files": Files.read,
        "files_left_out": many(LeftOut.read),
        "violations": many(Violation.read),
        "quiet": many(Violation.read),
        "usage": Usage.read,
        "timing": many(Step.read),
        "enforcement": dict,
    }

    @classmethod
    def read(cls, raw: Any) -> Outcome:
        """The outcome that `raw` says, of the version that this client knows."""
        if isinstance(raw, dict) and raw.get("version") != VERSION:
            raise Malformed(f"this remand writes outcomes of version {raw.get('version')!r}, the client reads {VERSION}: they have to come from one release")
        return super().read(raw)

    @classmethod
    def cancelled(cls, run: str, policy: str) -> Outcome:
        """Of a run that was cancelled, and of which nobody made a record; `run` is empty where none was begun."""
        named = {"name": policy, "hash": ""}
        return cls.read({"version": VERSION, "run": run, "policy": named, "verdict": {"kind": "cancelled"}, "value": None})

    @property
    def ok(self) -> bool:
        """Whether the code did its work: the verdict is `Finished`."""
        return isinstance(self.verdict, Finished)

    def check(self) -> Outcome:
        """Itself where the run finished; raises the `RunError` of its verdict otherwise."""
        error = self.exception()
        if error is not None:
            raise error
        return self

    def exception(self) -> Optional[RunError]:
        """The exception that says how the run failed, if it did."""
        return None if self.ok else run_error(self)

    def __repr__(self) -> str:
        error = "" if self.error is None else f", error={shown(self.error.type)}"
        return f"<Outcome {self.verdict}, value={shown(reprlib.repr(self.value))}{error}>"

    def _repr_html_(self) -> str:
        from .display import page

        return page(self)
