"""Everyday: the app on its cluster."""

from __future__ import annotations

from dataclasses import asdict
from functools import partial
from typing import TYPE_CHECKING

from invoke.tasks import task

from dockyard.cli.support import at_work, default_jobs, name_of, told, whole_number

if TYPE_CHECKING:
    from collections.abc import Mapping

    from invoke.context import Context

    from dockyard.deploy.plan import Plan
    from dockyard.model.events import Report
    from dockyard.model.project import Project
    from dockyard.ui.screen import Screen
    from dockyard.workspace import Workspace

RELEASE = {"release": "name of a release in dockyard.yaml"}
JSON = {"json": "print JSON for machines"}

CHANGES = 2
"""Exit code of a plan that has something to do, where that is asked for."""


WORK = {"wait_lock": "seconds to wait for another deploy to end"}


@task(
    help={
        "release": "only this release and what it needs",
        "profile": "overlay of dockyard.yaml",
        "dry_run": "only say what would be done, as `plan` does",
        "rollback": "go back to the last good revision when an upgrade fails",
        "keep_failed": "leave a first install that failed as it is",
        "strict": "refuse warnings of the checks, weak secrets and a .env that others may read, too",
        "jobs": "builds, loads and releases at a time",
        "json": "print each event as a line of JSON; with --dry-run the plan as one document",
        **WORK,
    }
)
def deploy(  # noqa: PLR0913 - each is an option of the command line
    _context: Context,
    release: str | None = None,
    profile: str | None = None,
    jobs: str = "",
    wait_lock: str = "0",
    *,
    dry_run: bool = False,
    rollback: bool = True,
    keep_failed: bool = False,
    strict: bool = False,
    json: bool = False,
) -> None:
    """Bring the app to what its sources and dockyard.yaml describe, and ask it whether it serves."""
    from dockyard.cli.report import print_urls
    from dockyard.cli.wiring import options
    from dockyard.deploy import pipeline
    from dockyard.releases.rollout import Policy

    with at_work(profile, json=json) as (screen, workspace):
        chosen = _chosen(workspace, release)
        names = chosen.order()
        if dry_run:
            _show_plan(screen, chosen, pipeline.plan(workspace, names, strict=strict), json=json)
            return
        how = options(
            jobs=default_jobs(jobs),
            wait_lock=whole_number("wait-lock", wait_lock),
            policy=Policy(roll_back=rollback, keep_failed=keep_failed),
            strict=strict,
        )
        with told(screen, "deploy", names):
            done = pipeline.deploy(workspace, names, screen.report, how, gate=partial(refuse_errors, strict=strict))
        if not json:
            print_urls(screen, [served for entry in done for served in entry.served])


@task(
    help={
        "release": "only this release and what it needs",
        "profile": "overlay of dockyard.yaml",
        "exit_code": "exit code 2 when there is something to do",
        **JSON,
    }
)
def plan(
    _context: Context,
    release: str | None = None,
    profile: str | None = None,
    *,
    exit_code: bool = False,
    json: bool = False,
) -> None:
    """Say what a deploy would do and why, with what changes in the manifests; nothing is started."""
    from invoke.exceptions import Exit

    from dockyard.deploy import pipeline

    with at_work(profile) as (screen, workspace):
        chosen = _chosen(workspace, release)
        made = pipeline.plan(workspace, chosen.order())
        _show_plan(screen, chosen, made, json=json)
        if exit_code and made.changes:
            raise Exit(code=CHANGES)


def _show_plan(screen: Screen, project: Project, made: Plan, *, json: bool) -> None:
    from dockyard.cli.report import print_plan
    from dockyard.deploy.plan import as_record

    if json:
        screen.data(as_record(made))
    else:
        print_plan(screen, project, made)


def _chosen(workspace: Workspace, release: str | None) -> Project:
    """Return the project, or the part of it that one release needs."""
    return workspace.project if release is None else workspace.project.subset(release)


def refuse_errors(  # noqa: PLR0913 - as a gate is called
    workspace: Workspace,
    names: tuple[str, ...],
    references: Mapping[str, str],
    report: Report,
    *,
    kubernetes_version: str,
    strict: bool = False,
) -> None:
    """Refuse what the checks call an error, or find at all; they are imported only where something is sent."""
    from dockyard.checks.gate import refuse_errors as refuse

    refuse(workspace, names, references, report, kubernetes_version=kubernetes_version, strict=strict)


@task(help=JSON)
def status(_context: Context, *, json: bool = False) -> None:
    """Show each release: revision, image, pods, and what is missing."""
    from dockyard.releases.site import connect
    from dockyard.releases.status import statuses

    with at_work() as (screen, workspace):
        rows = statuses(connect(workspace))
        if json:
            screen.data([asdict(row) for row in rows])
        else:
            columns = ("release", "state", "revision", "image tag", "pods", "note")
            cells = [
                (row.release, row.state, row.revision or "-", row.tag or "-", f"{row.ready}/{row.wanted}", row.note)
                for row in rows
            ]
            screen.table(columns, cells)


@task(help={**RELEASE, **JSON})
def history(_context: Context, release: str, *, json: bool = False) -> None:
    """Show the revisions of a release, which of them were Ready, and how long those made here took."""
    from dockyard.cli.report import print_history
    from dockyard.journal import FILE, revisions, runs
    from dockyard.releases.site import connect
    from dockyard.releases.status import history as entries

    with at_work() as (screen, workspace):
        rows = entries(connect(workspace), name_of("release", release))
        if json:
            screen.data([asdict(row) for row in rows])
        else:
            print_history(screen, rows, revisions(runs(workspace.state / FILE), release))


@task(
    help={
        **RELEASE,
        "revision": "revision to go back to; the last good one that is not what is there now by default",
        **WORK,
    }
)
def rollback(_context: Context, release: str, revision: str = "", wait_lock: str = "0") -> None:
    """Bring an earlier revision of a release back, and wait until it serves."""
    from dockyard.cli.report import print_urls
    from dockyard.cli.wiring import options
    from dockyard.deploy.pipeline import roll_back

    with at_work() as (screen, workspace):
        wanted = whole_number("revision", revision) if revision else None
        how = options(jobs=1, wait_lock=whole_number("wait-lock", wait_lock))
        with told(screen, "rollback", (name_of("release", release),)):
            target, done = roll_back(workspace, release, wanted, screen.report, how)
        screen.say(
            f"Release {done.release} serves revision {target.number} again (image tag {done.tag}), "
            f"as revision {done.revision}."
        )
        print_urls(screen, done.served)


@task(help={**RELEASE, "tail": "last lines of each pod"})
def logs(_context: Context, release: str, tail: str = "100") -> None:
    """Show the last log lines of every pod of a release."""
    from dockyard.releases.site import connect
    from dockyard.releases.status import pod_logs

    with at_work() as (screen, workspace):
        for pod, text in pod_logs(connect(workspace), name_of("release", release), tail=whole_number("tail", tail)):
            screen.say(f"--- {pod}")
            screen.text(text)


@task(help=JSON)
def url(_context: Context, *, json: bool = False) -> None:
    """Show the URLs of NodePort and LoadBalancer Services."""
    from dockyard.releases.site import connect
    from dockyard.releases.status import urls

    with at_work() as (screen, workspace):
        found = urls(connect(workspace))
        if json:
            screen.data(dict(found))
        else:
            screen.table(("service", "url"), found)


@task(help={"release": "only this release", **WORK})
def destroy(_context: Context, release: str | None = None, wait_lock: str = "0") -> None:
    """Remove the releases from the cluster, and wait until their pods are gone."""
    from dockyard.cli.wiring import options
    from dockyard.deploy.pipeline import destroy as remove

    with at_work() as (screen, workspace):
        order = workspace.project.order()
        if release is not None:
            workspace.project.release(release)
        how = options(jobs=default_jobs(), wait_lock=whole_number("wait-lock", wait_lock))
        names = order if release is None else (release,)
        with told(screen, "destroy", names):
            remove(workspace, names, screen.report, how)
