"""Cluster: the local Kubernetes that releases run on."""

from __future__ import annotations

from typing import TYPE_CHECKING

from invoke.tasks import task

from dockyard.cli.support import at_work

if TYPE_CHECKING:
    from invoke.context import Context


@task
def start(_context: Context) -> None:
    """Start the cluster, made anew where there is none, and wait until its node is Ready."""
    with at_work() as (screen, workspace):
        workspace.cluster.start(screen.report)


@task
def stop(_context: Context) -> None:
    """Stop the cluster; its state is kept."""
    with at_work() as (screen, workspace):
        workspace.cluster.stop(screen.report)


@task(help={"json": "print JSON for machines"})
def status(_context: Context, *, json: bool = False) -> None:
    """Show whether the cluster runs, its version and where it is; exit code 1 when it does not run."""
    from invoke.exceptions import Exit

    with at_work() as (screen, workspace):
        facts = workspace.cluster.status()
        if json:
            screen.data(facts.model_dump(mode="json", by_alias=True) if facts else None)
        elif facts is None:
            screen.say(f"There is no cluster {workspace.cluster.name}; `./inv cluster.start` makes one.")
        else:
            rows = [("name", workspace.cluster.name), *facts.model_dump(mode="json", by_alias=True).items()]
            screen.table(("cluster", ""), rows)
        if facts is None or facts.status != "Running":
            raise Exit(code=1)


@task
def delete(_context: Context) -> None:
    """Remove the cluster with all that runs on it."""
    with at_work() as (screen, workspace):
        workspace.cluster.delete(screen.report)
