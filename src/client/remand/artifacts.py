"""Files that a run left: their content, and saving them.

Always holds: names are checked again here, whatever checked them before; saving follows no link that lies below the directory it is given, replaces nothing
unless asked, and writes only content that has the size and the SHA-256 of the record.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import os
import secrets
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Dict, Iterable, Iterator, List, Mapping, Optional, Tuple, Union

from .record import Malformed, Record, many
from .text import shown

_DIRECTORY = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC


@dataclass(frozen=True)
class Artifact(Record):
    """A file of a run; its name and content are the code's choice."""

    name: str
    size: int
    sha256: str
    mime: str = "application/octet-stream"
    executable: bool = False

    def bytes(self) -> bytes:
        """Its content, which is what the record says of it."""
        content = self.raw.get("content")
        if not isinstance(content, str):
            raise Malformed(f"{shown(self.name)}: the record has no content of it")
        try:
            found = base64.b64decode(content, validate=True)
        except (binascii.Error, ValueError):
            raise Malformed(f"{shown(self.name)}: its content is no base64") from None
        if len(found) != self.size or hashlib.sha256(found).hexdigest() != self.sha256:
            raise Malformed(f"{shown(self.name)}: its content does not have the size and SHA-256 of the record")
        return found

    def text(self, encoding: str = "utf-8", errors: str = "strict") -> str:
        """Its content as text."""
        return self.bytes().decode(encoding, errors)

    def __repr__(self) -> str:
        return f"Artifact({shown(self.name)!r}, {self.size} bytes)"


class Files(Mapping[str, Artifact]):
    """Files of a run by name; can be given to the next run as they are."""

    def __init__(self, files: Iterable[Artifact]) -> None:
        self._files: Dict[str, Artifact] = {each.name: each for each in files}

    @classmethod
    def read(cls, raw: Any) -> Files:
        """The files that a record lists."""
        return cls(many(Artifact.read)(raw))

    def __getitem__(self, name: str) -> Artifact:
        return self._files[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._files)

    def __len__(self) -> int:
        return len(self._files)

    def __repr__(self) -> str:
        return f"Files({list(self._files.values())!r})"

    def save(self, directory: Union[str, os.PathLike[str]], overwrite: bool = False) -> List[Path]:
        """Writes each below `directory`, which has to exist, and gives their paths. Where one is there already, FileExistsError, or it is replaced with
        `overwrite`; a link is replaced itself, and what it leads to stays. Those before a failure remain. Names and contents are checked before the first."""
        checked = [(each, _parts(each.name), each.bytes()) for each in self._files.values()]
        base = os.open(directory, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
        try:
            for each, parts, content in checked:
                _write(base, parts, content, 0o777 if each.executable else 0o666, overwrite)
        finally:
            os.close(base)
        return [Path(directory, *parts) for _, parts, _ in checked]


def _parts(name: Any) -> Tuple[str, ...]:
    """The components of a name that leads nowhere else."""
    parts = tuple(name.split("/")) if isinstance(name, str) else ()
    if not parts or any(part in ("", ".", "..") or not part.isprintable() or len(os.fsencode(part)) > 255 for part in parts):
        raise Malformed(f"{shown(str(name))!r} is no name to save a file by")
    return parts


def _write(base: int, parts: Tuple[str, ...], content: bytes, mode: int, overwrite: bool) -> None:
    at = os.dup(base)
    try:
        for part in parts[:-1]:
            try:
                os.mkdir(part, 0o777, dir_fd=at)
            except FileExistsError:
                pass
            below = os.open(part, _DIRECTORY, dir_fd=at)
            os.close(at)
            at = below
        _place(at, parts[-1], content, mode, overwrite)
    except OSError as error:
        error.filename = "/".join(parts)
        raise
    finally:
        os.close(at)


def _place(at: int, name: str, content: bytes, mode: int, overwrite: bool) -> None:
    """Under a name of its own first, so that there is all of it or nothing."""
    beside = f".remand-{secrets.token_hex(8)}"
    file: Optional[int] = os.open(beside, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC, mode, dir_fd=at)
    try:
        with os.fdopen(file, "wb") as out:  # type: ignore[arg-type]
            out.write(content)
        if overwrite:
            os.replace(beside, name, src_dir_fd=at, dst_dir_fd=at)
        else:
            os.link(beside, name, src_dir_fd=at, dst_dir_fd=at, follow_symlinks=False)
            os.unlink(beside, dir_fd=at)
    except BaseException:
        os.unlink(beside, dir_fd=at)
        raise
