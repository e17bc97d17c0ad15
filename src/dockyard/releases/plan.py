"""What a release needs, decided from facts alone."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING

from dockyard.model.lifecycle import DeploymentState

if TYPE_CHECKING:
    from collections.abc import Sequence

    from dockyard.charts.manifests import Manifests, ObjectName
    from dockyard.releases.workload import Verdict
    from dockyard.tools.helm import ReleaseFacts

SHOWN = 3
"""Changed objects that a reason names before it counts the rest."""


class Verb(StrEnum):
    """What is done to a release."""

    INSTALL = "install"
    UPGRADE = "upgrade"
    WATCH = "watch"
    NOTHING = "nothing"
    RECOVER = "recover"


@dataclass(frozen=True, slots=True)
class ReleaseAction:
    """What is done to one release, and why.

    Attributes:
        release: Its name.
        verb: What is done.
        reason: Why, for people.
    """

    release: str
    verb: Verb
    reason: str


@dataclass(frozen=True, slots=True)
class ReleaseObservation:
    """What is known of one release before anything is done.

    Attributes:
        name: Its name.
        wanted: What its chart renders to now.
        tag: The tag of the image it would run.
        there: Helm's record, or None where there is no release.
        sent: What Helm sent last, or None.
        live: How far it is in the cluster, or None.
    """

    name: str
    wanted: Manifests
    tag: str = ""
    there: ReleaseFacts | None = None
    sent: Manifests | None = None
    live: Verdict | None = None


def plan_release(seen: ReleaseObservation) -> ReleaseAction:
    """Decide what one release needs."""
    if seen.there is None or seen.sent is None:
        return ReleaseAction(seen.name, Verb.INSTALL, "it is not installed")
    if seen.there.status.startswith(("pending-", "uninstalling")):
        return ReleaseAction(seen.name, Verb.RECOVER, f"an earlier deploy was cut off: it is {seen.there.status}")
    changed = seen.wanted.changed(seen.sent)
    if changed:
        return ReleaseAction(seen.name, Verb.UPGRADE, _difference(changed, seen.there.app_version, seen.tag))
    if seen.there.status != "deployed":
        return ReleaseAction(seen.name, Verb.UPGRADE, f"its last revision is {seen.there.status}")
    if seen.live is None or seen.live.state is not DeploymentState.READY:
        return ReleaseAction(seen.name, Verb.WATCH, "it is unchanged and not Ready yet")
    return ReleaseAction(seen.name, Verb.NOTHING, f"unchanged, revision {seen.there.revision} is Ready")


def _difference(changed: Sequence[ObjectName], before: str, after: str) -> str:
    if after and before != after:
        count = len(changed)
        return f"image tag {before} -> {after}, {count} object{'s' if count > 1 else ''} changed"
    more = f" and {len(changed) - SHOWN} more" if changed[SHOWN:] else ""
    return f"changed: {', '.join(map(str, changed[:SHOWN]))}{more}"
