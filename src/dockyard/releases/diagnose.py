"""Gathering the evidence for a cause before it goes away with its pods."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

from dockyard.model.diagnosis import Cause, Diagnosis, Evidence
from dockyard.model.errors import ToolError

if TYPE_CHECKING:
    from collections.abc import Iterator

LOG_LINES = 20
"""Lines of each run that are kept."""


class Logs(Protocol):
    """What gathering asks of the API server."""

    def logs(self, pod: str, *, tail: int, container: str = "", previous: bool = False) -> str:
        """Return the last lines of a pod's container, or of its run before."""


def diagnose(release: str, cause: Cause, source: Logs) -> Diagnosis:
    """Return a cause with the last lines of the container that shows it, and those of its previous run."""
    return Diagnosis(release, cause, tuple(_evidence(cause, source)) if cause.pod else ())


def _evidence(cause: Cause, source: Logs) -> Iterator[Evidence]:
    where = f"container {cause.container} of pod {cause.pod}" if cause.container else f"pod {cause.pod}"
    for title, previous in ((f"Last lines of {where}", False), (f"Last lines of the run before, {where}", True)):
        try:
            text = source.logs(cause.pod, tail=LOG_LINES, container=cause.container, previous=previous)
        except ToolError:  # the cause is worth more than its evidence
            continue
        if lines := text.rstrip().splitlines():
            yield Evidence(title, tuple(lines[-LOG_LINES:]))
