"""An outcome in a notebook.

Always holds: every text of the run is escaped and cut; a run puts no element, no script and no style of its own on the page.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from .text import as_html

if TYPE_CHECKING:
    from .outcome import Outcome

_MOST = 10_000
_FILES = 100


def page(outcome: Outcome) -> str:
    """The outcome as HTML."""
    color = "#2e7d32" if outcome.ok else "#c62828"
    parts = [f'<b style="color: {color}">{as_html(str(outcome.verdict))}</b>']
    if outcome.value is not None:
        parts.append(_block("value", json.dumps(outcome.value, ensure_ascii=False, indent=1)))
    if outcome.error is not None:
        parts.append(_block("error", outcome.error.stack or f"{outcome.error.type}: {outcome.error.message}"))
    parts.append(_block("printed", "".join(outcome.prints)))
    for name, stream in (("standard output", outcome.stdout), ("standard error", outcome.stderr)):
        parts.append(_block(name, stream.text + (f"\n… {stream.dropped} bytes …\n{stream.tail or ''}" if stream.truncated else "")))
    files = [f"{each.name}  {each.size} bytes" for each in list(outcome.files.values())[:_FILES]]
    parts.append(_block("files", "\n".join(files)))
    parts.append(_block("denied calls", "\n".join(f"{each.count} x {each.syscall}: {each.change or each.answered}" for each in outcome.violations)))
    if outcome.usage is not None:
        parts.append(f"<small>{as_html(_usage(outcome))}</small>")
    return "<div>" + "".join(parts) + "</div>"


def _usage(outcome: Outcome) -> str:
    assert outcome.usage is not None
    cpu = sum(outcome.usage.cpu_ms.values())
    memory = "" if outcome.usage.memory_peak is None else f", {outcome.usage.memory_peak} bytes of memory at most"
    return f"{outcome.usage.wall_ms:.1f} ms, {cpu:.1f} ms of CPU{memory}, policy {outcome.policy.name}, run {outcome.run}"


def _block(title: str, text: str) -> str:
    return f"<div>{title}</div><pre>{as_html(text, _MOST)}</pre>" if text else ""
