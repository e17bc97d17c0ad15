"""Images: build, load, look."""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING

from invoke.tasks import task

from dockyard.cli.support import at_work, default_jobs, whole_number

if TYPE_CHECKING:
    from invoke.context import Context


@task
def build(_context: Context) -> None:
    """Build the images whose sources changed."""
    from dockyard.deploy.pipeline import build as make

    with at_work() as (screen, workspace):
        make(workspace, workspace.project.images, screen.report, jobs=default_jobs())


@task
def load(_context: Context) -> None:
    """Build what changed, and bring the images into the cluster's node."""
    from dockyard.deploy.pipeline import load_all

    with at_work() as (screen, workspace):
        load_all(workspace, screen.report, jobs=default_jobs())


@task(
    default=True,
    help={
        "json": "print JSON for machines",
        "layers": "layers to show for each image",
        "check": "exit code 1 when an image or their sum is over its limit",
        "weigh": "read every layer: compressed size, shared layers once",
    },
)
def show(_context: Context, layers: str = "5", *, weigh: bool = False, check: bool = False, json: bool = False) -> None:
    """Show the newest image of each service: size against its budget, and the biggest layers."""
    from invoke.exceptions import Exit

    from dockyard.images import size
    from dockyard.ui.sizes import print_sizes

    with at_work() as (screen, workspace):
        report = size.report_sizes(workspace.docker, tuple(workspace.project.images))
        weight = size.weigh(workspace.docker, [image.reference for image in report.images]) if weigh else None
        if json:
            screen.data({**asdict(report), "weight": asdict(weight) if weight else None})
        else:
            print_sizes(screen, report, layers=whole_number("layers", layers), weight=weight)
        if check and not report.fits:
            raise Exit(code=1)


@task(help={"dry_run": "only say what would be removed"})
def prune(_context: Context, *, dry_run: bool = False) -> None:
    """Remove images that neither a revision in the history nor the sources need, from node and engine."""
    from dockyard.cli.wiring import options
    from dockyard.deploy import pipeline

    with at_work() as (screen, workspace):
        found = pipeline.prune(workspace, screen.report, options(jobs=1), dry_run=dry_run)
        rows = [("node", reference) for reference in found.node] + [("engine", reference) for reference in found.engine]
        if rows:
            screen.table(("where", "would be removed" if dry_run else "removed"), rows)
        else:
            screen.say("Every image is needed.")
