"""How a deploy is done, and the lock under which it is done."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from dockyard.releases.lock import Lock, Locking, holding
from dockyard.releases.rollout import Policy
from dockyard.tools.identity import Identity, is_alive

if TYPE_CHECKING:
    from collections.abc import Callable
    from contextlib import AbstractContextManager
    from datetime import datetime

    from dockyard.model.events import Report
    from dockyard.releases.site import Site


@dataclass(frozen=True, slots=True, kw_only=True)
class Options:
    """How a deploy is done.

    Attributes:
        who: This process, for the lock.
        wall: The time of day, in UTC.
        jobs: Builds, loads and releases at a time.
        policy: What is done about a release that fails.
        wait_lock: Seconds to wait for another deploy to end.
        strict: Whether secrets that are weak, or open to others, are refused.
        alive: Tells whether a process lives; None if that is unknown.
    """

    who: Identity
    wall: Callable[[], datetime]
    jobs: int
    policy: Policy = field(default_factory=Policy)
    wait_lock: float = 0.0
    strict: bool = False
    alive: Callable[[Identity], bool | None] = is_alive


def locked(site: Site, options: Options, report: Report) -> AbstractContextManager[Lock]:
    """Return the lock of a site, for a block."""
    how = Locking(clock=site.workspace.clock, wall=options.wall, is_alive=options.alive, wait=options.wait_lock)
    return holding(site.api, options.who, how, namespace=site.api.namespace, report=report)
