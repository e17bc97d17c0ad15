"""What a release needs, decided from facts alone."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum
from typing import TYPE_CHECKING

from dockyard.charts.manifests import Manifests
from dockyard.model.lifecycle import DeploymentState
from dockyard.releases.records import DEPLOYED

if TYPE_CHECKING:
    from collections.abc import Sequence

    from dockyard.charts.manifests import ObjectName
    from dockyard.releases.records import ReleaseRecord, Revision
    from dockyard.releases.workload import Verdict

SHOWN = 3
"""Changed objects that a reason names before it counts the rest."""

NOTHING_SENT = Manifests({})


class Verb(StrEnum):
    """What is done to a release."""

    INSTALL = "install"
    UPGRADE = "upgrade"
    WATCH = "watch"
    NOTHING = "nothing"


SENDING = frozenset({Verb.INSTALL, Verb.UPGRADE})
"""What sends something to the cluster."""


class Recovery(StrEnum):
    """What frees a release that a killed Helm left behind, before anything else is done to it."""

    NONE = "none"
    ROLL_BACK = "roll back"
    REMOVE = "remove"


@dataclass(frozen=True, slots=True)
class ReleaseSeen:
    """What is known of one release before anything is done.

    Attributes:
        name: Its name.
        wanted: What its chart renders to now.
        tag: The tag of the image it would run.
        record: What the cluster remembers of it, or None where there is no release.
        live: How far it is in the cluster, or None.
        drift: Where live objects are not what was sent.
        known: Whether the cluster was asked at all.
    """

    name: str
    wanted: Manifests
    tag: str = ""
    record: ReleaseRecord | None = None
    live: Verdict | None = None
    drift: tuple[str, ...] = ()
    known: bool = True


@dataclass(frozen=True, slots=True)
class ReleaseAction:
    """What is done to one release, and why.

    Attributes:
        release: Its name.
        verb: What is done.
        reason: Why, for people.
        recovery: What is done before that.
        target: The number of the revision to recover to; 0 where it recovers to none.
        state: The state that the release is in before anything is done.
        sent: What Helm sent last; empty where there is nothing.
        wanted: What its chart renders to.
    """

    release: str
    verb: Verb
    reason: str
    recovery: Recovery = Recovery.NONE
    target: int = 0
    state: DeploymentState = DeploymentState.BUILDING
    sent: Manifests = field(default=NOTHING_SENT, repr=False)
    wanted: Manifests = field(default=NOTHING_SENT, repr=False)

    @property
    def changes(self) -> bool:
        """Whether anything is done."""
        return self.verb is not Verb.NOTHING or self.recovery is not Recovery.NONE


def plan_release(seen: ReleaseSeen) -> ReleaseAction:
    """Decide what one release needs."""
    if not seen.known:
        return _install(seen, "the cluster does not run, so what it has is not known")
    if seen.record is None:
        return _install(seen, "it is not installed")
    newest = seen.record.newest
    good = seen.record.last_good(but=newest.number if newest.status not in DEPLOYED else None)
    if seen.record.pending:
        return _recover(seen, seen.record, good)
    if good is None and newest.status not in DEPLOYED:
        return _install(seen, f"its first install is {newest.status}", Recovery.REMOVE)
    if why := _why_upgrade(seen, newest):
        return _upgrade(seen, newest, why)
    return _standing(seen, newest)


def _why_upgrade(seen: ReleaseSeen, newest: Revision) -> str:
    """Return why something is sent over a revision, or nothing."""
    if changed := seen.wanted.changed(newest.manifests):
        return difference(changed, newest.app_version, seen.tag)
    if newest.status != "deployed":
        return f"its last revision is {newest.status}"
    return f"it drifted: {_listed(seen.drift)}" if seen.drift else ""


def _standing(seen: ReleaseSeen, newest: Revision) -> ReleaseAction:
    """A release that is as it should be is left alone; one that is not Ready, or was never asked, is waited for."""
    state = DeploymentState.PENDING if seen.live is None else seen.live.state
    ready = state is DeploymentState.READY
    good = seen.record is not None and newest.number in seen.record.good
    why = f"unchanged, revision {newest.number} is Ready" if good else "it is unchanged, and was not seen to serve yet"
    return ReleaseAction(
        seen.name,
        Verb.NOTHING if ready and good else Verb.WATCH,
        why if ready else "it is unchanged and not Ready yet",
        state=state,
        sent=newest.manifests,
        wanted=seen.wanted,
    )


def _install(seen: ReleaseSeen, reason: str, recovery: Recovery = Recovery.NONE) -> ReleaseAction:
    return ReleaseAction(seen.name, Verb.INSTALL, reason, recovery, wanted=seen.wanted)


def _upgrade(seen: ReleaseSeen, newest: Revision, reason: str) -> ReleaseAction:
    """A release that is not Ready did not become so: for the specification it failed, and an upgrade leads on."""
    ready = seen.live is not None and seen.live.state is DeploymentState.READY
    state = DeploymentState.READY if ready else DeploymentState.FAILED
    return ReleaseAction(seen.name, Verb.UPGRADE, reason, state=state, sent=newest.manifests, wanted=seen.wanted)


def _recover(seen: ReleaseSeen, record: ReleaseRecord, good: Revision | None) -> ReleaseAction:
    """A release that is pending takes no upgrade: back to what was good first, or away where nothing was."""
    why = f"an earlier deploy was cut off: revision {record.newest.number} is {record.newest.status}"
    if good is None or record.newest.status == "uninstalling":
        return _install(seen, why, Recovery.REMOVE)
    changed = seen.wanted.changed(good.manifests)
    verb = Verb.UPGRADE if changed else Verb.WATCH
    then = f"; then {difference(changed, good.app_version, seen.tag)}" if changed else ""
    return ReleaseAction(
        seen.name,
        verb,
        f"{why}; back to revision {good.number}{then}",
        Recovery.ROLL_BACK,
        good.number,
        DeploymentState.FAILED,
        good.manifests,
        seen.wanted,
    )


def difference(changed: Sequence[ObjectName], before: str, after: str) -> str:
    """Return in words what an upgrade changes: the image's tag and how many objects, or the objects."""
    if after and before != after:
        count = len(changed)
        return f"image tag {before} -> {after}, {count} object{'s' if count > 1 else ''} changed"
    return f"changed: {_listed([str(name) for name in changed])}"


def _listed(names: Sequence[str]) -> str:
    more = f" and {len(names) - SHOWN} more" if names[SHOWN:] else ""
    return f"{', '.join(names[:SHOWN])}{more}"
