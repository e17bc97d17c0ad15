"""Why a rollout failed, as a block that a person reads from top to bottom: the cause, what shows it, what to do."""

from __future__ import annotations

import textwrap
from typing import TYPE_CHECKING

from dockyard.ui.words import clean, clean_line, sentence

if TYPE_CHECKING:
    from collections.abc import Iterator

    from dockyard.model.diagnosis import Diagnosis

LAST = 20
"""Lines of each log that are shown."""

LOG = "dim"
"""The style of lines of a log."""

HANGING = " " * 4
"""What stands before the second line of a sentence."""


def explain(diagnosis: Diagnosis, *, width: int = 0) -> Iterator[tuple[str, str]]:
    """Yield the block's lines, each with its style: red for the cause, bold for the next step, dim for the logs.

    Args:
        diagnosis: Cause and evidence.
        width: Columns that sentences are folded to, between words; 0 for none. Lines of logs stay as they are.
    """
    for style, line in _block(diagnosis):
        folded = width and style != LOG and len(line) > width
        parts = textwrap.wrap(line, width, subsequent_indent=HANGING, break_on_hyphens=False) if folded else [line]
        yield from ((style, part) for part in parts)


def _block(diagnosis: Diagnosis) -> Iterator[tuple[str, str]]:
    cause = diagnosis.cause
    yield "bold red", sentence(f"{clean(diagnosis.release)}: {clean(cause.sentence)}")
    if cause.compared:
        yield "", f"  {clean(cause.compared)}"
    if where := ", container ".join(clean(part) for part in (cause.pod, cause.container) if part):
        yield "", f"  Pod:   {where}"
    if cause.event:
        yield "", f"  Event: {clean(cause.event)}"
    for evidence in diagnosis.evidence:
        yield "", f"  {clean(evidence.title)}:"
        lines = evidence.lines[-LAST:] or ("(no lines)",)
        for line in lines:
            yield LOG, f"    | {clean_line(line)}".rstrip()
    if cause.fix:
        yield "bold", f"  Next: {sentence(clean(cause.fix))}"
