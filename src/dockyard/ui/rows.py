"""What the board knows of each service: a value that events change, one after the other. Pure; `board.py` draws it."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from dockyard.model.events import Diagnosed, Step
from dockyard.model.lifecycle import DeploymentState
from dockyard.ui.words import clean

if TYPE_CHECKING:
    from collections.abc import Sequence

    from dockyard.model.events import Progress, Stamped

WAITING = "waiting"
"""What is said of a service of which nothing is known yet."""

RESTING = frozenset({WAITING, "Ready", "Failed", "Unchanged", "Refused", "Removed", "Absent"})
"""What a service is in while nothing is done for it."""

STATED = frozenset({*DeploymentState, *RESTING, "Removing", "Recovering"})
"""Stages that say what a service is in; any other is said of work for it."""


@dataclass(frozen=True, slots=True)
class Row:
    """A service on the board.

    Attributes:
        name: The release.
        state: What it is in: a state of the specification, or what was said last of it.
        since: Seconds since the command began at which it came to that.
        doing: What runs for it now, where that is not what the state says.
        progress: How far that is.
        text: What was said last.
    """

    name: str
    state: str = WAITING
    since: float = 0.0
    doing: str = ""
    progress: Progress | None = None
    text: str = ""

    @property
    def busy(self) -> bool:
        """Whether something is done for it now."""
        return bool(self.doing) or self.state not in RESTING


def after(row: Row, stamped: Stamped) -> Row:
    """Return a service's row after an event about it."""
    event = stamped.event
    stage, text = clean(event.stage), clean(event.text)
    if event.passing:
        doing = "" if stage == row.state else stage
        return replace(row, doing=doing, progress=event.progress, text=text)
    if isinstance(event, Step):
        doing = "" if event.ended else clean(event.step)
        return replace(row, doing=doing, progress=None, text=text or row.text)
    if isinstance(event, Diagnosed) and event.diagnosis is not None:
        text = clean(event.diagnosis.cause.sentence)
    if stage in STATED:
        since = row.since if stage == row.state else stamped.elapsed
        return replace(row, state=stage, since=since, doing="", progress=event.progress, text=text)
    return replace(row, progress=None, text=f"{stage}: {text}" if text else stage)


def going(row: Row | None, stamped: Stamped) -> Row:
    """Return the row of work that is for no service after a passing event about it; it has none before the first."""
    event, stage = stamped.event, clean(stamped.event.stage)
    since = row.since if row is not None and row.state == stage else stamped.elapsed
    return Row(clean(event.subject), stage, since, progress=event.progress, text=clean(event.text))


def fitting(rows: Sequence[Row], room: int) -> tuple[Row, ...]:
    """Return the rows that are shown where there is not room for all: the busy ones first, then those that failed.

    They stay in their order. One line of the room is for what `summary` says of the others.
    """
    if len(rows) <= room:
        return tuple(rows)
    order = sorted(rows, key=lambda row: (not row.busy, row.state != "Failed"))
    chosen = {row.name for row in order[: max(0, room - 1)]}
    return tuple(row for row in rows if row.name in chosen)


def summary(rows: Sequence[Row]) -> str:
    """Return how many rows are in which state: `1 Failed, 2 Ready`."""
    return ", ".join(f"{count} {state}" for state, count in sorted(Counter(row.state for row in rows).items()))
