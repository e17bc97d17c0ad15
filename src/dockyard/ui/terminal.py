"""What a stream that is printed to can show; asked before rich is imported, which costs more than a log needs."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, TextIO

if TYPE_CHECKING:
    from collections.abc import Mapping

DUMB = frozenset({"dumb", "unknown"})
"""Values of TERM that promise nothing."""

CODES = {
    "bold": "1",
    "dim": "2",
    "red": "31",
    "green": "32",
    "yellow": "33",
    "blue": "34",
    "magenta": "35",
    "cyan": "36",
    "bold red": "1;31",
}

Paint = Callable[[str, str], str]
"""Gives a text a style: called with the name of one of CODES (or an empty one) and the text."""


def moves(file: TextIO, environ: Mapping[str, str]) -> bool:
    """Tell whether lines can be drawn over: on a terminal that knows how, and not in the log of a CI run."""
    return file.isatty() and environ.get("TERM", "") not in DUMB and not environ.get("CI")


def has_colours(file: TextIO, environ: Mapping[str, str]) -> bool:
    """Tell whether text may be coloured; NO_COLOR, FORCE_COLOR and TERM=dumb are honoured."""
    if environ.get("NO_COLOR") or environ.get("TERM", "") in DUMB:
        return False
    return bool(environ.get("FORCE_COLOR")) or file.isatty()


def painter(*, colours: bool) -> Paint:
    """Return who gives text a style, or leaves it as it is."""
    return _painted if colours else _plain


def _painted(style: str, text: str) -> str:
    return f"\x1b[{CODES[style]}m{text}\x1b[0m" if style and text else text


def _plain(_style: str, text: str) -> str:
    return text
