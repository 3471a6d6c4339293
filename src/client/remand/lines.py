"""Bytes that come in pieces, as lines.

Always holds: no more than one line and one piece are kept; a line longer than the bound is an error before it is held.
"""

from __future__ import annotations

from typing import Optional


class TooLong(ValueError):
    """A line is longer than the bound."""


class Lines:
    """`most`: bytes of the longest line, without its end."""

    def __init__(self, most: int) -> None:
        self._most = most
        self._held = bytearray()
        self._searched = 0

    def add(self, piece: bytes) -> None:
        """What came next."""
        self._held += piece

    def take(self) -> Optional[bytes]:
        """The next whole line, if there is one."""
        end = self._held.find(b"\n", self._searched)
        if (len(self._held) if end < 0 else end) > self._most:
            raise TooLong(f"a line of more than {self._most} bytes")
        if end < 0:
            self._searched = len(self._held)
            return None
        line = bytes(self._held[:end])
        del self._held[: end + 1]
        self._searched = 0
        return line
