"""Text of a run, made fit to be shown.

Always holds: what comes out is printable and bounded; code chose what went in.
"""

from __future__ import annotations

import html

MOST = 2000


def _escaped(character: str) -> str:
    return character.encode("unicode_escape", "surrogatepass").decode("ascii")


def shown(text: str, most: int = MOST, lines: bool = False) -> str:
    """`text` with whatever is not printable escaped, and cut after `most` characters; `lines`: ends of lines and tabs stay."""
    kept = "\n\t" if lines else ""
    plain = "".join(each if each.isprintable() or each in kept else _escaped(each) for each in text[:most])
    return plain if len(text) <= most else f"{plain}… ({len(text) - most} more characters)"


def as_html(text: str, most: int = MOST) -> str:
    """The same for a page."""
    return html.escape(shown(text, most, lines=True), quote=True)
