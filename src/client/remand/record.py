"""How JSON of the supervisor becomes frozen objects.

Always holds: what a newer version says besides is kept, in `raw`; what has to be there and is not is a `Malformed`, never a half object.
"""

from __future__ import annotations

from dataclasses import MISSING, dataclass, field, fields
from typing import Any, Callable, ClassVar, Dict, Mapping, Tuple, Type, TypeVar

R = TypeVar("R", bound="Record")
T = TypeVar("T")


class Malformed(ValueError):
    """Not what docs/outcome.md says."""


@dataclass(frozen=True)
class Record:
    """An object of the outcome or of an event. `raw` is all of it, as it came."""

    raw: Dict[str, Any] = field(repr=False, compare=False)

    # What becomes of a field's JSON, and its key where that is no name of Python.
    _parts: ClassVar[Mapping[str, Callable[[Any], Any]]] = {}
    _keys: ClassVar[Mapping[str, str]] = {}

    @classmethod
    def read(cls: Type[R], raw: Any) -> R:
        """The object that `raw` says."""
        if not isinstance(raw, dict):
            raise Malformed(f"{cls.__name__}: no object")
        given: Dict[str, Any] = {"raw": raw}
        for each in fields(cls):
            key = cls._keys.get(each.name, each.name)
            if each.name == "raw":
                continue
            if key in raw:
                part = cls._parts.get(each.name)
                given[each.name] = raw[key] if part is None or raw[key] is None else part(raw[key])
            elif each.default is MISSING and each.default_factory is MISSING:
                raise Malformed(f"{cls.__name__}: {key} is missing")
        return cls(**given)


def many(read: Callable[[Any], T]) -> Callable[[Any], Tuple[T, ...]]:
    """A reader of arrays."""

    def array(raw: Any) -> Tuple[T, ...]:
        if not isinstance(raw, list):
            raise Malformed("no array")
        return tuple(read(each) for each in raw)

    return array


def text(raw: Any) -> str:
    """A reader of texts."""
    if not isinstance(raw, str):
        raise Malformed("no text")
    return raw
