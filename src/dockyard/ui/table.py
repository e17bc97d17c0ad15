"""Aligned tables as text: rich would take a tenth of a second to be imported for them."""

from __future__ import annotations

import re
import textwrap
import unicodedata
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

NUMBER = re.compile(r"[\d.,/]+")

GAP = "  "

NARROWEST = 8
"""Columns below which no column is narrowed to make a table fit."""


def table_lines(columns: Sequence[str], rows: Iterable[Sequence[object]], *, width: int) -> Iterator[str]:
    """Yield a head and the rows of a table, nothing trailing.

    A column of numbers stands to the right; `-` is no value. A table that is too wide has its widest columns narrowed
    and their text folded; a cell may have several lines.
    """
    cells = [[str(cell).splitlines() or [""] for cell in row] for row in rows]
    right = [_is_numeric(row[index][0] for row in cells) for index in range(len(columns))]
    widths = _fit(
        [
            max([columns_of(head), *(columns_of(line) for row in cells for line in row[index])])
            for index, head in enumerate(columns)
        ],
        width,
    )
    for row in ([[head] for head in columns], *cells):
        folded = [_fold(lines, room) for lines, room in zip(row, widths, strict=True)]
        for at in range(max(map(len, folded), default=0)):
            line = (lines[at] if at < len(lines) else "" for lines in folded)
            yield GAP.join(map(_pad, line, widths, right)).rstrip()


def columns_of(text: str) -> int:
    """Return how many columns of a terminal a text takes: wide characters take two, marks none."""
    if text.isascii():
        return len(text)
    return sum(2 if unicodedata.east_asian_width(one) in "WF" else 1 for one in text if not unicodedata.combining(one))


def _is_numeric(cells: Iterable[str]) -> bool:
    values = [cell for cell in cells if cell != "-"]
    return bool(values) and all(NUMBER.fullmatch(value) for value in values)


def _fit(widths: list[int], width: int) -> list[int]:
    """Narrow the widest column by one, again and again, until all fit."""
    widths = list(widths)
    room = width - len(GAP) * (len(widths) - 1)
    while sum(widths) > room and max(widths) > NARROWEST:
        widths[widths.index(max(widths))] -= 1
    return widths


def _fold(lines: Sequence[str], width: int) -> list[str]:
    folded = (
        textwrap.wrap(line, width, break_on_hyphens=False, drop_whitespace=True) if columns_of(line) > width else [line]
        for line in lines
    )
    return [part for parts in folded for part in (parts or [""])]


def _pad(text: str, width: int, right: bool) -> str:  # noqa: FBT001 - one of three columns of `map`
    room = " " * (width - columns_of(text))
    return room + text if right else text + room
