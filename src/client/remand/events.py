"""What a run says while it goes on (docs/outcome.md, Events)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar, Dict, Optional, Tuple, Type

from .outcome import PolicyRef
from .record import Record


@dataclass(frozen=True)
class Event(Record):
    """The base of all of them. `us` is microseconds since the code could begin."""

    event: ClassVar[str] = ""


@dataclass(frozen=True)
class Start(Event):
    """The code can begin."""

    version: int
    run: str
    policy: PolicyRef
    event = "start"
    _parts = {"policy": PolicyRef.read}


@dataclass(frozen=True)
class Print(Event):
    """A function printed. `continues`: it goes on where the print before it ended."""

    us: int
    text: str
    values: Optional[Tuple[Any, ...]] = None
    continues: bool = False
    event = "print"
    _parts = {"values": tuple}


@dataclass(frozen=True)
class Stdout(Event):
    """Something was written to standard output: `text`, or, where that is not all that was written, the bytes that `base64` has."""

    us: int
    text: str
    base64: Optional[str] = None
    event = "stdout"


@dataclass(frozen=True)
class Stderr(Event):
    """The same of standard error."""

    us: int
    text: str
    base64: Optional[str] = None
    event = "stderr"


@dataclass(frozen=True)
class Dropped(Event):
    """Output of `channel` was truncated; what comes of it after this is its end."""

    us: int
    channel: str
    bytes: int
    event = "dropped"
    _keys = {"channel": "from"}


@dataclass(frozen=True)
class Item(Event):
    """An item is done, in mode `per_item`."""

    us: int
    index: int
    value: Any
    event = "item"


@dataclass(frozen=True)
class UsageEvent(Event):
    """What the run has used by now: milliseconds of CPU, bytes, processes and threads; None where nothing counts them."""

    us: int
    cpu_ms: Dict[str, float]
    memory: Optional[int] = None
    pids: Optional[int] = None
    event = "usage"


@dataclass(frozen=True)
class DisplayEvent(Event):
    """A program showed something (`value="display"`): an output of the notebook format, whose `data` has its forms by MIME type. Hostile."""

    us: int
    output_type: str
    data: Dict[str, Any]
    metadata: Dict[str, Any]
    event = "display"


@dataclass(frozen=True)
class UnknownEvent(Event):
    """Something that only a newer remand says: `raw` has it."""


_EVENTS: Dict[str, Type[Event]] = {each.event: each for each in (Start, Print, Stdout, Stderr, Dropped, DisplayEvent, Item, UsageEvent)}


def event(raw: Dict[str, Any]) -> Event:
    """The event that `raw` says."""
    return _EVENTS.get(str(raw.get("event")), UnknownEvent).read(raw)
