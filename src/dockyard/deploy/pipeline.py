"""What tasks call: plan, deploy, roll back, destroy, build, load."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from functools import partial
from typing import TYPE_CHECKING

from dockyard.deploy.act import Act, Gate, load
from dockyard.deploy.graph import Piece, carry_out
from dockyard.deploy.observe import image_names, observe
from dockyard.deploy.plan import Plan, make_plan
from dockyard.deploy.prepare import have_sources, peek, prepare
from dockyard.images import observe as images
from dockyard.images.make import make
from dockyard.images.plan import plan_image
from dockyard.model.events import REVISION, Event, Step
from dockyard.releases import prune as pruning
from dockyard.releases import rollback as going_back
from dockyard.releases import secret
from dockyard.releases.lock import Lock, Locking, holding
from dockyard.releases.records import read_records
from dockyard.releases.remove import remove
from dockyard.releases.rollout import Deployed, Policy
from dockyard.releases.services import release_unused_addresses
from dockyard.releases.site import connect
from dockyard.releases.status import require_record
from dockyard.tools.clock import ticks
from dockyard.tools.identity import Identity, is_alive

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping
    from contextlib import AbstractContextManager
    from datetime import datetime

    from dockyard.model.events import Report
    from dockyard.releases.prune import Pruned
    from dockyard.releases.records import ReleaseRecord, Revision
    from dockyard.releases.site import Site
    from dockyard.workspace import Workspace

OTHERS = 30.0
"""Seconds for somebody else's Helm to end before its release counts as cut off."""

ORPHANS = 3.0
"""The same where a deploy died here: its Helm may have outlived it for a moment."""

PAUSE = 0.3


@dataclass(frozen=True, slots=True, kw_only=True)
class Options:
    """How a deploy is done.

    Attributes:
        who: This process, for the lock.
        wall: The time of day, in UTC.
        jobs: Pieces of work at a time.
        policy: What is done about a release that fails.
        wait_lock: Seconds to wait for another deploy to end.
        strict: Whether secrets that are weak, or open to others, are refused.
        alive: Tells whether a process lives; None where that cannot be told.
    """

    who: Identity
    wall: Callable[[], datetime]
    jobs: int
    policy: Policy = field(default_factory=Policy)
    wait_lock: float = 0.0
    strict: bool = False
    alive: Callable[[Identity], bool | None] = is_alive


def plan(workspace: Workspace, names: tuple[str, ...], *, strict: bool = False) -> Plan:
    """Return what a deploy would do; nothing is started and nothing is changed.

    Args:
        workspace: What to work with.
        names: The releases, in order.
        strict: As in Options.

    Raises:
        DockyardError: It cannot be told, since something that a deploy needs is missing.
    """
    ready, site = peek(workspace, names, strict=strict)
    sources = images.sources(ready.docker, ready.project, image_names(ready, names), ready.root)
    return make_plan(observe(ready, names, site, sources))


def deploy(
    workspace: Workspace, names: tuple[str, ...], report: Report, options: Options, *, gate: Gate
) -> tuple[Deployed, ...]:
    """Bring releases to what the project describes.

    Args:
        workspace: What to work with.
        names: The releases, in order.
        report: Told of what happens.
        options: How it is done.
        gate: Asked before anything is sent to the cluster; it refuses by raising.

    Raises:
        DockyardError: What stopped it; releases that were done before stay.
    """
    # Before any base image is made: it judges secrets, and a deploy may have to fail.
    site = prepare(workspace, names, report, strict=options.strict)
    sources = have_sources(site.workspace, image_names(workspace, names), report)
    with locked(site, options, report) as lock:
        records = await_others(site, names, lock, report)
        facts = observe(site.workspace, names, site, sources, records=records)
        made = make_plan(facts)
        act = Act(site, facts, made, report, lock, options.policy, gate)
        done = act.run(jobs=options.jobs)
        if made.changes:
            release_unused_addresses(site.api, site.workspace.cluster)
        return done


def locked(site: Site, options: Options, report: Report) -> AbstractContextManager[Lock]:
    """Return the lock of a site, for a block."""
    how = Locking(clock=site.workspace.clock, wall=options.wall, is_alive=options.alive, wait=options.wait_lock)
    return holding(site.api, options.who, how, namespace=site.api.namespace, report=report)


def await_others(site: Site, names: tuple[str, ...], lock: Lock, report: Report) -> Mapping[str, ReleaseRecord]:
    """Wait for a Helm that is at work on one of the releases; one that died never ends, and is recovered from.

    Returns:
        What the cluster remembers of releases then.
    """
    limit = ORPHANS if lock.died else OTHERS
    told = False
    records: Mapping[str, ReleaseRecord] = {}
    for _ in ticks(site.workspace.clock, limit=limit, pause=PAUSE):
        records = read_records(site.api)
        pending = [records[name].newest for name in names if name in records and records[name].pending]
        if not pending:
            break
        if not told:
            told = True
            one = pending[0]
            text = f"revision {one.number} is {one.status}; somebody's Helm may be at work"
            report(Event(one.release, "Waiting", text, service=one.release))
    return records


def roll_back(
    workspace: Workspace, release: str, revision: int | None, report: Report, options: Options
) -> tuple[Revision, Deployed]:
    """Bring an earlier revision back under the lock; as `releases.rollback.rollback`."""
    site = connect(workspace, report)
    require_record(site, release)  # what is not there needs no lock, and its namespace may not be there either
    began = Step(release, "rollback", service=release, step="rollback")
    with locked(site, options, report):
        report(began)
        try:
            target, done = going_back.rollback(site, release, revision, report)
        except BaseException:
            report(replace(began, ended=True, ok=False))
            raise
        report(replace(began, text=f"{REVISION}{done.revision}", ended=True))
        release_unused_addresses(site.api, workspace.cluster)
        return target, done


def destroy(workspace: Workspace, names: tuple[str, ...], report: Report, options: Options) -> None:
    """Uninstall releases, each after those that need it, and wait until their pods are gone."""
    site = connect(workspace, report)
    if not read_records(site.api).keys() & set(names):  # nothing to lock for: the namespace itself may not be there
        _tell_absent(reversed(names), report)
        return
    with locked(site, options, report):
        there = read_records(site.api)
        _tell_absent((name for name in reversed(names) if name not in there), report)
        needs = {name: workspace.project.release(name).needs for name in names}
        pieces = []
        for name in (name for name in reversed(names) if name in there):
            dependents = frozenset(other for other in names if name in needs[other])
            pieces.append(Piece(name, dependents, partial(_remove, site, name, report)))
        carry_out(pieces, jobs=options.jobs)
        release_unused_addresses(site.api, workspace.cluster)


def _tell_absent(names: Iterable[str], report: Report) -> None:
    for name in names:
        report(Event(name, "Absent", "it is not installed"))


def _remove(site: Site, name: str, report: Report) -> None:
    report(Event(name, "Removing", passing=True, service=name))
    remove(site.helm, site.api, name, clock=site.workspace.clock)
    own = site.workspace.project.release(name).existing_secret
    if own is not None:
        secret.remove(site.api, own)
    report(Event(name, "Removed", "its objects and pods are gone", service=name))


def build(workspace: Workspace, names: Iterable[str], report: Report, *, jobs: int) -> tuple[str, ...]:
    """Build those of the images whose sources changed; return the references of all."""
    wanted = tuple(names)
    found = have_sources(workspace, wanted, report)
    actions = tuple(map(plan_image, images.observe(workspace.docker, found, state=workspace.state)))
    pieces = []
    for source, action in zip(found, actions, strict=True):
        if not action.build:
            report(Event(action.name, "Unchanged", action.reference))
            continue
        work = partial(
            make, workspace.docker, source, action, report, state=workspace.state, ca_bundle=workspace.ca_bundle
        )
        pieces.append(Piece(action.name, frozenset(), work))
    carry_out(pieces, jobs=jobs)
    return tuple(action.reference for action in actions)


def load_all(workspace: Workspace, report: Report, *, jobs: int) -> None:
    """Build what changed of all images, and bring them into the node."""
    workspace.target()
    references = build(workspace, workspace.project.images, report, jobs=jobs)
    carry_out(
        [Piece(one, frozenset(), partial(load, workspace, one, report)) for one in references],
        jobs=jobs,
    )


def prune(workspace: Workspace, report: Report, options: Options, *, dry_run: bool) -> Pruned:
    """Remove images that neither a revision nor the sources as they are now need; as `releases.prune.prune`."""
    site = connect(workspace, report)
    found = images.sources(workspace.docker, workspace.project, tuple(workspace.project.images), workspace.root)
    seen = images.observe(workspace.docker, found, state=workspace.state)
    with locked(site, options, report):
        return pruning.prune(site, [f"{image.name}:{image.tag}" for image in seen], report, dry_run=dry_run)
