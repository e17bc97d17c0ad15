"""What tasks call: plan, deploy, roll back, destroy, build, load."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING

from dockyard.deploy.act import load
from dockyard.deploy.builds import ImageBuilds
from dockyard.deploy.observe import image_names, observe
from dockyard.deploy.options import locked
from dockyard.deploy.plan import Plan, make_plan
from dockyard.deploy.prepare import peek, require_secrets
from dockyard.deploy.run import DeployRun
from dockyard.images.plan import plan_image
from dockyard.model.events import REVISION, Event, Step
from dockyard.releases import prune as pruning
from dockyard.releases import rollback as going_back
from dockyard.releases import secret
from dockyard.releases.records import read_records
from dockyard.releases.remove import remove
from dockyard.releases.services import release_unused_addresses
from dockyard.releases.site import connect
from dockyard.releases.status import require_record
from dockyard.tools.jobs import Job, run_jobs

if TYPE_CHECKING:
    from collections.abc import Iterable

    from dockyard.deploy.act import Gate
    from dockyard.deploy.options import Options
    from dockyard.model.events import Report
    from dockyard.releases.prune import Pruned
    from dockyard.releases.records import Revision
    from dockyard.releases.rollout import Deployed
    from dockyard.releases.site import Site
    from dockyard.workspace import Workspace


def plan(workspace: Workspace, names: tuple[str, ...], *, strict: bool = False) -> Plan:
    """Return what a deploy would do; nothing is started and nothing is changed.

    Args:
        workspace: The workspace.
        names: The releases, in order.
        strict: As in Options.

    Raises:
        DockyardError: Something that a deploy needs is missing, so that there is no plan.
    """
    with ThreadPoolExecutor(1, thread_name_prefix="images") as pool:
        looking = pool.submit(ImageBuilds.look, workspace, image_names(workspace, names))
        ready, site = peek(workspace, names, strict=strict)
        seen = looking.result().seen.values()
    return make_plan(observe(ready, names, site, seen))


def deploy(
    workspace: Workspace, names: tuple[str, ...], report: Report, options: Options, *, gate: Gate
) -> tuple[Deployed, ...]:
    """Bring releases to what the project describes.

    Args:
        workspace: The workspace.
        names: The releases, in order.
        report: Receives events.
        options: How it is done.
        gate: Called before anything is sent to the cluster; it refuses by raising.

    Raises:
        RefusedError: A secret has no value, or one that cannot be used, and nothing was started; or a check failed.
        DockyardError: The first failure; releases that were done before stay.
    """
    require_secrets(workspace, names, strict=options.strict)
    return DeployRun.look(workspace, names, report, options, gate).run()


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
        jobs = []
        for name in (name for name in reversed(names) if name in there):
            dependents = frozenset(other for other in names if name in needs[other])
            jobs.append(Job(name, dependents, partial(_remove, site, name, report)))
        run_jobs(jobs, limit=options.jobs)
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
    builds = ImageBuilds.look(workspace, names)

    def build_one(name: str) -> None:
        action = plan_image(builds.seen[name])
        if action.build:
            builds.build(action, report)
        else:
            report(Event(name, "Unchanged", action.reference))

    building = [Job(name, frozenset({builds.base_of(name)}), partial(build_one, name)) for name in builds.sources]
    run_jobs([*builds.base_jobs(report), *building], limit=jobs)
    return tuple(f"{seen.name}:{seen.tag}" for seen in builds.seen.values())


def load_all(workspace: Workspace, report: Report, *, jobs: int) -> None:
    """Build what changed of all images, and bring them into the node."""
    workspace.target()
    references = build(workspace, workspace.project.images, report, jobs=jobs)
    run_jobs([Job(one, frozenset(), partial(load, workspace, one, report)) for one in references], limit=jobs)


def prune(workspace: Workspace, report: Report, options: Options, *, dry_run: bool) -> Pruned:
    """Remove images that neither a revision nor the sources as they are now need; as `releases.prune.prune`."""
    site = connect(workspace, report)
    seen = ImageBuilds.look(workspace, workspace.project.images).seen.values()
    with locked(site, options, report):
        return pruning.prune(site, [f"{image.name}:{image.tag}" for image in seen], report, dry_run=dry_run)
