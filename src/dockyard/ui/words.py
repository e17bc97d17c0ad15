"""Figures and foreign text, in the words of the screen: pure functions that every reader of events shares."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from dockyard.model.events import Progress

MINUTE, HOUR = 60, 3600

ESCAPES = re.compile(r"\x1b(?:\[[0-?]*[ -/]*[@-~]|\][^\x07\x1b]*(?:\x07|\x1b\\)?|[PX^_].*?(?:\x1b\\|$)|[@-Z\\-_]?)")
"""What a terminal would obey: colours, cursor moves, window titles, links."""

CONTROLS = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f]")


def clean(text: str) -> str:
    """Return what a program said as one line that no terminal obeys: no escape sequences, no control characters."""
    return CONTROLS.sub("", " ".join(ESCAPES.sub("", text).splitlines()).expandtabs(4)).strip()


def clean_line(line: str) -> str:
    """Return a line of a log the same way; its indentation is kept."""
    return CONTROLS.sub("", ESCAPES.sub("", line.expandtabs(4))).rstrip().replace("\n", " ")


def sentence(text: str) -> str:
    """Return a text with the full stop that it may lack."""
    return text if text.endswith((".", "?", "!", "\n")) else f"{text}."


def duration(seconds: float) -> str:
    """Return seconds for people: `4.2 s`, `2 m 03 s`, `1 h 02 m`."""
    if seconds < MINUTE - 0.05:
        return f"{max(0.0, seconds):.1f} s"
    whole = round(seconds)
    if whole < HOUR:
        return f"{whole // MINUTE} m {whole % MINUTE:02d} s"
    return f"{whole // HOUR} h {whole % HOUR // MINUTE:02d} m"


def amount(progress: Progress) -> str:
    """Return how far a piece of work is: `3/9 steps`, `12.5/40.0 MB`, `12.5 MB` where the total is not known."""
    digits = 1 if progress.unit == "MB" else 0
    done = f"{progress.done:.{digits}f}"
    return f"{done}/{progress.total:.{digits}f} {progress.unit}" if progress.total else f"{done} {progress.unit}"
