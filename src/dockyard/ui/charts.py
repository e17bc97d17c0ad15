"""Charts of the report as SVG whose widths are percentages: they fit any window, and their text keeps its size."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from dockyard.ui.html import Html, element
from dockyard.ui.words import duration

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

LANE = 24
"""Pixels of a lane of bars."""

BAND = 18
"""Pixels of the band of states above them."""

AXIS = 20
"""Pixels of an axis with its figures."""

GAP = 3

TICKS = 6
"""Marks that an axis has at most, beside its zero."""

PLOT = 160
"""Pixels of the highest column."""

FEWEST = 8
"""Columns that there is room for at least: a single one is no wall."""

LABELLED = 0.055
"""Part of a whole from which on a piece has a label; a smaller one has its title alone."""


@dataclass(frozen=True, slots=True)
class Bar:
    """A piece of a line of time or of a size.

    Attributes:
        start: Where it begins, in the unit of the chart.
        end: Where it ends.
        kind: What it is: the name of a colour in the style sheet.
        label: What stands in it, where there is room.
        title: The whole of it, shown on pointing and read aloud.
    """

    start: float
    end: float
    kind: str
    label: str
    title: str


def lanes(bars: Sequence[Bar]) -> list[list[Bar]]:
    """Return bars in lanes, so that none covers another: each in the first lane that is free."""
    found: list[list[Bar]] = []
    for bar in sorted(bars, key=lambda one: (one.start, one.end)):
        free = next((lane for lane in found if lane[-1].end <= bar.start), None)
        if free is None:
            found.append([bar])
        else:
            free.append(bar)
    return found


def track(states: Sequence[Bar], steps: Sequence[Bar], *, whole: float, name: str) -> Html:
    """Return a line of time: a band of states, and the steps below it."""
    rows = lanes(steps)
    height = BAND + GAP + LANE * max(1, len(rows))
    parts = [_ticks(whole, height)]
    parts += (_piece(bar, whole, y=0, height=BAND, kind="state") for bar in states)
    for at, row in enumerate(rows):
        y = BAND + GAP + at * LANE
        parts += (_piece(bar, whole, y=y, height=LANE - GAP, kind="step") for bar in row)
    return _svg(parts, height=height, label=f"Timeline of {name}")


def axis(whole: float) -> Html:
    """Return the axis of lines of time, in seconds."""
    parts = []
    for tick in ticks(whole):
        x = percent(tick, whole)
        parts.append(
            element("text", duration(tick) if tick else "0", x=x, y=14, class_="tick", text_anchor=_anchor(tick, whole))
        )
    return _svg(parts, height=AXIS, label="Seconds since the begin")


def stack(bars: Sequence[Bar], *, whole: float, limit: float, name: str) -> Html:
    """Return sizes side by side as one bar, with a mark where the limit is."""
    parts = [element("rect", x=0, y=0, width="100%", height=LANE, class_="ground", rx=3)]
    parts += (_piece(bar, whole, y=0, height=LANE, kind="layer") for bar in bars)
    x = percent(limit, whole)
    parts.append(element("line", x1=x, x2=x, y1=0, y2=LANE, class_="limit"))
    return _svg(parts, height=LANE, label=name)


def columns(bars: Sequence[Bar], *, highest: float, name: str) -> Html:
    """Return values as columns beside each other, with an axis in seconds."""
    highest = highest or 1.0
    figures, grid = [], []
    for tick in ticks(highest, most=4):
        y = PLOT - PLOT * tick / highest + 8
        grid.append(element("line", x1=0, x2="100%", y1=f"{y:.1f}", y2=f"{y:.1f}", class_="grid"))
        label = duration(tick) if tick else "0"
        figures.append(element("text", label, x="100%", y=f"{y + 4:.1f}", class_="tick", text_anchor="end"))
    room = 100 / max(FEWEST, len(bars))
    inner = (_column(bar, at * room, room, highest) for at, bar in enumerate(bars))
    height = PLOT + 28
    scale = element("svg", *figures, width="100%", height=height, aria_hidden="true")
    return element("div", scale, _svg([*grid, *inner], height=height, label=name), class_="columns")


def _column(bar: Bar, x: float, room: float, highest: float) -> Html:
    height = max(2.0, PLOT * (bar.end - bar.start) / highest)
    shape = element(
        "rect",
        x=f"{x + room * 0.1:.3f}%",
        y=f"{PLOT - height + 8:.1f}",
        width=f"{room * 0.8:.3f}%",
        height=f"{height:.1f}",
        rx=2,
        class_=f"fill-{bar.kind}",
    )
    label = element("text", bar.label, x=f"{x + room / 2:.3f}%", y=PLOT + 23, class_="tick", text_anchor="middle")
    return element("g", element("title", bar.title), shape, label)


def percent(value: float, whole: float) -> str:
    """Return a part of a whole for an attribute."""
    return f"{100 * value / whole if whole > 0 else 0:.3f}%"


def ticks(whole: float, *, most: int = TICKS) -> Iterator[float]:
    """Yield round values from zero on, up to a whole."""
    step = next(
        (base * 10**power for power in range(-1, 7) for base in (1, 2, 3, 5) if base * 10**power * most >= whole),
        whole,
    )
    at = 0
    while step > 0 and at * step <= whole:
        yield round(at * step, 3)
        at += 1


def _ticks(whole: float, height: int) -> Html:
    marks = (percent(tick, whole) for tick in ticks(whole))
    return element("g", *(element("line", x1=x, x2=x, y1=0, y2=height, class_="grid") for x in marks))


def _piece(bar: Bar, whole: float, *, y: int, height: int, kind: str) -> Html:
    """Return a bar as a window of its own, which cuts a label that is too long."""
    width = percent(max(0.0, bar.end - bar.start), whole)
    shape = element("rect", width="100%", height="100%", rx=3, class_=f"fill-{bar.kind}")
    roomy = bar.end - bar.start >= LABELLED * whole
    label = element("text", bar.label, x=6, y=height / 2 + 4, class_=f"label {kind}") if roomy else ""
    title = element("title", bar.title)
    x = percent(bar.start, whole)
    return element(
        "svg", title, shape, label, x=x, y=y, width=width, height=height, style="min-width:2px", class_="piece"
    )


def _anchor(value: float, whole: float) -> str:
    if value <= 0:
        return "start"
    return "end" if value > 0.94 * whole else "middle"


def _svg(parts: Sequence[object], *, height: int, label: str) -> Html:
    return element("svg", element("title", label), *parts, width="100%", height=height, role="img", aria_label=label)
