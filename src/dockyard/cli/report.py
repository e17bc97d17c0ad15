"""Results that several tasks print the same way."""

from __future__ import annotations

from datetime import UTC
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from dockyard.deploy.plan import Plan
    from dockyard.journal import Run, StepRun
    from dockyard.model.project import Project
    from dockyard.releases.status import HistoryEntry
    from dockyard.releases.verify import Served
    from dockyard.ui.screen import Screen


def print_plan(screen: Screen, project: Project, plan: Plan) -> None:
    """Print what a deploy would do and why, and what it would change in the manifests."""
    from dockyard.deploy.plan import sentences
    from dockyard.ui.diff import print_diff

    image_of = {name: spec.image for name, spec in project.releases.items()}
    screen.table(("subject", "action", "reason"), sentences(plan, image_of))
    changing = [action for action in plan.releases if action.wanted.changed(action.sent)]
    for action in changing:
        screen.say(f"\n{action.release}: what would change in its manifests")
        print_diff(screen, action.sent.objects, action.wanted.objects)
    if not plan.changes:
        screen.say("Nothing to do.")


def print_history(screen: Screen, rows: Iterable[HistoryEntry], made: Mapping[int, tuple[Run, StepRun]]) -> None:
    """Print the revisions of a release with what this machine's journal knows of them."""
    cells = []
    for row in rows:
        run, step = made.get(row.revision, (None, None))
        took = f"{(step.ended - step.began).total_seconds():.1f} s" if step and step.ended else "-"
        good = "yes" if row.good else "-"
        by = run.command if run else "-"
        cells.append(
            (
                row.revision,
                f"{row.updated.astimezone(UTC):%Y-%m-%d %H:%M:%S}",
                row.status,
                good,
                by,
                took,
                row.tag,
                row.remark,
            )
        )
    columns = ("revision", "made (UTC)", "status", "good", "by", "took", "image tag", "remark")
    screen.table(columns, cells)


def print_urls(screen: Screen, served: Iterable[Served]) -> None:
    """Print the services that answered, and what they answered."""
    rows = [
        (
            entry.service,
            entry.url,
            ", ".join(f"{answer.url.removeprefix(entry.url)} {answer.status}" for answer in entry.answers),
        )
        for entry in served
    ]
    if rows:
        screen.table(("service", "url", "answered"), rows)
