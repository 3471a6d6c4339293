"""The way by a process per run: where the command is, and how it is started."""

from __future__ import annotations

import os
from typing import List, Sequence, Union

from .errors import HelperError
from .helper_process import HelperExchange
from .transport import Transport

# The longest line that is read: what one request may have, and an outcome is bounded by its policy to less.
LONGEST_LINE = 256 << 20
# Seconds that a helper has to end its run and answer once it was asked to, before it is killed; the same again before it is given up.
GRACE = 10.0


class HelperTransport(Transport):
    """`binary`: the command; without it that of the environment variable REMAND, then the first `remand` on PATH, then the one that was installed with this
    package. `prefix`: what stands before it, such as `["sudo", "-n"]`. `arguments`: what stands behind `helper --stream`, such as
    `["--allow-policy", "numeric"]`."""

    def __init__(
        self,
        binary: Union[str, os.PathLike[str], None] = None,
        *,
        prefix: Sequence[str] = (),
        arguments: Sequence[str] = (),
        grace: float = GRACE,
        longest_line: int = LONGEST_LINE,
    ) -> None:
        if isinstance(prefix, str) or isinstance(arguments, str):
            raise TypeError("prefix and arguments: sequences of texts, not str")
        self._binary = None if binary is None else os.fspath(binary)
        self._prefix = list(prefix)
        self._arguments = list(arguments)
        self._grace = grace
        self._longest_line = longest_line

    def command(self) -> List[str]:
        """The whole command line."""
        return [*self._prefix, self._binary or find_binary(), "helper", "--stream", *self._arguments]

    def start(self, request: bytes) -> HelperExchange:
        return HelperExchange(self.command(), request, self._grace, self._longest_line)


def find_binary() -> str:
    """Where the command `remand` is. Relative entries of PATH are passed over: what lies in the current directory is nobody's choice."""
    named = os.environ.get("REMAND")
    if named:
        return os.path.abspath(named)
    places = [place for place in os.environ.get("PATH", "").split(os.pathsep) if os.path.isabs(place)]
    for place in [*_beside(), *places]:
        path = os.path.join(place, "remand")
        if os.path.isfile(path) and os.access(path, os.X_OK):
            return path
    raise HelperError("the command `remand` is not on PATH, and not beside this package: install it, or name it with REMAND or HelperTransport(binary)")


def _beside() -> List[str]:
    """Where an installer puts the command of the wheel that this package came with: by `--target`, and in the prefix (of a virtual environment, of `--user`). A
    checkout has no prefix: what lies above it is anybody's."""
    packages = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
    prefix = os.path.join(packages, "..", "..", "..")
    installed = os.path.basename(packages) in ("site-packages", "dist-packages")
    return [os.path.normpath(os.path.join(place, "bin")) for place in (packages, *([prefix] if installed else []))]
