"""The list of tasks that a bare `./inv` shows: grouped, one line each."""

from __future__ import annotations

import sys
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from invoke.tasks import Task, task

if TYPE_CHECKING:
    from collections.abc import Sequence

    from invoke.context import Context


@dataclass(frozen=True, slots=True)
class Group:
    """Tasks that are listed together.

    Attributes:
        heading: What stands above them.
        tasks: Name and summary of each.
    """

    heading: str
    tasks: tuple[tuple[str, str], ...]


def listing(groups: Sequence[Group]) -> Task[Any]:
    """Return the task that lists groups of tasks."""

    def tasks(_context: Context) -> None:
        """List the tasks."""
        sys.stdout.write(render(groups))

    made = task(tasks)
    if not isinstance(made, Task):
        raise TypeError
    return made


def render(groups: Sequence[Group]) -> str:
    """Return the list as text. Rich would cost more time to import than the list takes."""
    width = max(len(name) for group in groups for name, _ in group.tasks)
    lines = []
    for group in groups:
        lines.append(f"\n{group.heading.strip()}")
        lines += [f"  {name:<{width}}  {summary}" for name, summary in group.tasks]
    return "\n".join([*lines, "\n`./inv --help NAME` shows the options of a task.", ""]).lstrip("\n")
