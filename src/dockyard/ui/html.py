"""HTML as values: whatever is no `Html` already is escaped, so that no text of a program or a chart becomes markup."""

from __future__ import annotations

from html import escape
from itertools import repeat
from typing import TYPE_CHECKING

from dockyard.ui.words import CONTROLS, ESCAPES

if TYPE_CHECKING:
    from collections.abc import Iterable

VOID = frozenset({"meta", "br", "line", "rect"})
"""Elements without content."""


class Html(str):
    """Markup that is ready."""

    __slots__ = ()


def text(value: object) -> Html:
    """Return a value as text of a page: escaped, without control characters; markup that is ready stays as it is."""
    if isinstance(value, Html):
        return value
    lines = (CONTROLS.sub("", ESCAPES.sub("", line)) for line in str(value).splitlines())
    return Html(escape("\n".join(lines), quote=True))


def element(name: str, /, *content: object, **attributes: object) -> Html:
    """Return an element.

    Args:
        name: Its name.
        content: What stands in it: markup, or anything else as text.
        attributes: Its attributes; `class_` is `class`, `stroke_width` is `stroke-width`; None leaves one out.
    """
    given = "".join(
        f' {key.rstrip("_").replace("_", "-")}="{text(value)}"'
        for key, value in attributes.items()
        if value is not None
    )
    inner = "".join(text(part) for part in content)
    return Html(f"<{name}{given}/>" if name in VOID and not inner else f"<{name}{given}>{inner}</{name}>")


def table(columns: Iterable[str], rows: Iterable[Iterable[object]], *, caption: str) -> Html:
    """Return a table that a narrow window scrolls; cells that are numbers stand to the right."""
    cells = [tuple(row) for row in rows]
    kinds = map(_kind, cells[0]) if cells else repeat(None)
    head = (element("th", column, scope="col", class_=kind) for column, kind in zip(columns, kinds, strict=False))
    body = (element("tr", *(element("td", cell, class_=_kind(cell)) for cell in row)) for row in cells)
    made = element(
        "table", element("caption", caption), element("thead", element("tr", *head)), element("tbody", *body)
    )
    return element("div", made, class_="scroll", tabindex=0, role="region", aria_label=caption)


def _kind(value: object) -> str | None:
    return "number" if isinstance(value, int | float) else None
