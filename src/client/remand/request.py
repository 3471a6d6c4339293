"""A request (docs/request.md) from what a caller wrote.

Always holds: it is plain JSON, by value; what Python has and JSON has not is an error that says where, never a guess.
"""

from __future__ import annotations

import base64
import json
import os
import stat
from dataclasses import dataclass
from typing import Any, Dict, Iterable, List, Mapping, Optional, Sequence, TypedDict, Union

from .artifacts import Artifact

LARGEST = 256 << 20


@dataclass(frozen=True)
class File:
    """A file for a run, with more to say than its content."""

    content: Union[str, bytes, os.PathLike[str]]
    executable: bool = False


@dataclass(frozen=True)
class Directory:
    """A directory for a run; with `imports`, Python looks for modules in it."""

    imports: bool = False


Content = Union[str, bytes, bytearray, "os.PathLike[str]", File, Directory, Artifact]


class RequestFields(TypedDict, total=False):
    """What a run can be given, beside its code; docs/request.md has what each means and what holds without it."""

    policy: str
    overrides: Mapping[str, Mapping[str, Any]]
    security: Mapping[str, Any]
    mode: str
    on_error: str
    name: str
    module: str
    argv: Sequence[str]
    await_: bool
    value: str
    stdin: Union[str, bytes]
    items: Optional[Iterable[Any]]
    query: Any
    files: Mapping[str, Content]
    artifacts: Sequence[str]
    python: str
    environment: Mapping[str, str]
    mounts: Sequence[Mapping[str, Any]]
    for_: str


def encode(code: Optional[str], fields: Mapping[str, Any]) -> bytes:
    """The request's text."""
    unknown = sorted(set(fields) - set(RequestFields.__annotations__))
    if unknown:
        raise TypeError(f"unexpected keyword argument {unknown[0]!r}; docs/request.md has the fields of a request")
    request = {key: _field(key, value) for key, value in fields.items() if value is not None}
    if code is not None:
        request["code"] = code
    for name in ("await_", "for_"):  # words of Python
        if name in request:
            request[name[:-1]] = request.pop(name)
    # Members one by one, so that an error can name the one that is no JSON.
    members = [f"{json.dumps(key)}: {_json(key, value)}" for key, value in request.items()]
    text = ("{" + ", ".join(members) + "}").encode("ascii")
    if len(text) > LARGEST:
        raise ValueError(f"the request has {len(text)} bytes, more than the {LARGEST} that remand takes")
    return text


def _json(key: str, value: Any) -> str:
    try:
        return json.dumps(value, allow_nan=False)
    except (TypeError, ValueError, RecursionError) as error:
        kind = TypeError if isinstance(error, TypeError) else ValueError
        raise kind(f"{key}: {error}") from None


def _field(key: str, value: Any) -> Any:
    if key == "items":
        if isinstance(value, (str, bytes, Mapping)):
            raise TypeError(f"items: an iterable of items, not {type(value).__name__}")
        return list(value)
    if key in ("argv", "artifacts"):
        if isinstance(value, (str, bytes)):
            raise TypeError(f"{key}: a sequence of texts, not {type(value).__name__}")
        return list(value)
    if key == "security":
        return {name: sorted(each) if isinstance(each, (set, frozenset)) else each for name, each in value.items()}
    if key == "stdin":
        return value if isinstance(value, str) else {"$bytes": _base64(value)}
    if key == "files":
        return _files(value)
    return value


def _files(files: Mapping[str, Content]) -> List[Dict[str, Any]]:
    if not isinstance(files, Mapping):
        raise TypeError(f"files: a mapping from names to contents, not {type(files).__name__}")
    return [_file(name, content) for name, content in files.items()]


def _file(name: str, content: Content) -> Dict[str, Any]:
    if isinstance(content, Directory):
        return {"name": name, "directory": True, "imports": content.imports}
    if isinstance(content, Artifact):
        return {"name": name, "content": _base64(content.bytes()), "executable": content.executable}
    if isinstance(content, File):
        entry = _file(name, content.content)
        return {**entry, "executable": True} if content.executable else entry
    if isinstance(content, str):
        return {"name": name, "text": content}
    if isinstance(content, (bytes, bytearray)):
        return {"name": name, "content": _base64(content)}
    if isinstance(content, os.PathLike):
        return _read(name, content)
    raise TypeError(f"files: {name!r}: str, bytes, a path, File, Directory or Artifact, not {type(content).__name__}")


def _read(name: str, path: os.PathLike[str]) -> Dict[str, Any]:
    # A FIFO would be waited for; what is opened is what is looked at.
    file = os.open(path, os.O_RDONLY | os.O_CLOEXEC | os.O_NONBLOCK)
    try:
        if not stat.S_ISREG(os.fstat(file).st_mode):
            raise ValueError(f"files: {name!r}: {os.fspath(path)!r} is no regular file")
        with open(file, "rb", closefd=False) as opened:
            content = opened.read(LARGEST + 1)
    finally:
        os.close(file)
    if len(content) > LARGEST:
        raise ValueError(f"files: {name!r}: {os.fspath(path)!r} is larger than the {LARGEST} bytes that a request may have")
    return {"name": name, "content": _base64(content)}


def _base64(content: Union[bytes, bytearray]) -> str:
    return base64.b64encode(content).decode("ascii")
