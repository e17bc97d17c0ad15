"""Everyday: the app on its cluster."""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING

from invoke.tasks import task

from dockyard.cli.support import at_work, whole_number

if TYPE_CHECKING:
    from invoke.context import Context

RELEASE = {"release": "name of a release in dockyard.yaml"}
JSON = {"json": "print JSON for machines"}


@task(help={"release": "only this release and what it needs", "profile": "overlay of dockyard.yaml"})
def deploy(_context: Context, release: str | None = None, profile: str | None = None) -> None:
    """Bring the app to what its sources and dockyard.yaml describe, and ask it whether it serves."""
    from dockyard.cli.report import print_urls
    from dockyard.deploy import deploy as bring
    from dockyard.prepare import prepare

    with at_work(profile) as (screen, workspace):
        project = workspace.project if release is None else workspace.project.subset(release)
        names = project.order()
        ready = prepare(workspace, names, screen.report)
        done = bring(ready, names, screen.report)
        print_urls(screen, [served for entry in done for served in entry.served])


@task(help=JSON)
def status(_context: Context, *, json: bool = False) -> None:
    """Show each release: revision, image, pods, and what is missing."""
    from dockyard.releases.status import statuses

    with at_work() as (screen, workspace):
        rows = statuses(workspace)
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
    """Show the revisions of a release."""
    from dockyard.releases.status import revisions

    with at_work() as (screen, workspace):
        rows = revisions(workspace, release)
        if json:
            screen.data([asdict(row) for row in rows])
        else:
            columns = ("revision", "made", "status", "image tag", "remark")
            screen.table(
                columns,
                [
                    (row.revision, f"{row.updated:%Y-%m-%d %H:%M:%S}", row.status, row.app_version, row.description)
                    for row in rows
                ],
            )


@task(help={**RELEASE, "revision": "revision to go back to; the last good one before the current by default"})
def rollback(_context: Context, release: str, revision: str = "") -> None:
    """Bring an earlier revision of a release back, and wait until it serves."""
    from dockyard.cli.report import print_urls
    from dockyard.releases.rollback import rollback as go_back

    with at_work() as (screen, workspace):
        wanted = whole_number("revision", revision) if revision else None
        done = go_back(workspace, release, wanted, screen.report)
        screen.say(
            f"Release {done.release} serves revision {done.target} again (image tag {done.app_version}), "
            f"as revision {done.revision}."
        )
        print_urls(screen, done.served)


@task(help={**RELEASE, "tail": "last lines of each pod"})
def logs(_context: Context, release: str, tail: str = "100") -> None:
    """Show the last log lines of every pod of a release."""
    from dockyard.releases.status import pod_logs

    with at_work() as (screen, workspace):
        for pod, text in pod_logs(workspace, release, tail=whole_number("tail", tail)):
            screen.say(f"--- {pod}")
            screen.text(text)


@task(help=JSON)
def url(_context: Context, *, json: bool = False) -> None:
    """Show where this machine reaches the app."""
    from dockyard.releases.status import urls

    with at_work() as (screen, workspace):
        found = urls(workspace)
        if json:
            screen.data(dict(found))
        else:
            screen.table(("service", "url"), found)


@task(help={"release": "only this release"})
def destroy(_context: Context, release: str | None = None) -> None:
    """Remove the releases from the cluster, and wait until their pods are gone."""
    from dockyard.deploy import destroy as remove

    with at_work() as (screen, workspace):
        order = workspace.project.order()
        if release is not None:
            workspace.project.release(release)
        remove(workspace, order if release is None else (release,), screen.report)
