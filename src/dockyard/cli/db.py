"""Database: the development PostgreSQL beside the cluster, used where DATABASE_URL is not set."""

from __future__ import annotations

from typing import TYPE_CHECKING

from invoke.tasks import task

from dockyard.cli.support import at_work

if TYPE_CHECKING:
    from invoke.context import Context


@task
def start(_context: Context) -> None:
    """Start the development database and show where it is."""
    from dockyard import database

    with at_work() as (screen, workspace):
        there = database.start(workspace.docker, screen.report, ca_bundle=workspace.ca_bundle)
        screen.say(f"In the cluster: {there.host_in_cluster}. On this machine: {there.host}.")


@task(help={"remove": "remove its data too"})
def stop(_context: Context, *, remove: bool = False) -> None:
    """Stop the development database; its data are kept unless --remove is given."""
    from dockyard import database

    with at_work() as (screen, workspace):
        database.stop(workspace.docker, screen.report, remove=remove)


@task
def url(_context: Context) -> None:
    """Start the development database and print its URL for programs of this machine, with the password."""
    from dockyard import database

    with at_work() as (screen, workspace):
        there = database.start(workspace.docker, screen.report, ca_bundle=workspace.ca_bundle)
        screen.reveal(there.url_on_host)
