"""Results that several tasks print the same way."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable

    from dockyard.deploy.plan import Plan
    from dockyard.model.project import Project
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
