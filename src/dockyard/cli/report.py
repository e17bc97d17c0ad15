"""Results that several tasks print the same way."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable

    from dockyard.releases.verify import Served
    from dockyard.ui.screen import Screen


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
