"""Journal: what happened on this machine, and where the time went."""

from __future__ import annotations

from typing import TYPE_CHECKING

from invoke.tasks import task

from dockyard.cli.support import at_work

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from invoke.context import Context

    from dockyard.images.size import SizeReport
    from dockyard.releases.status import HistoryEntry
    from dockyard.ui.report import ReportData
    from dockyard.workspace import Workspace


@task(help={"open": "show it in the browser"})
def report(_context: Context, *, open: bool = False) -> None:  # noqa: A002 - the option's name
    """Write one HTML page of the last deploys, the images and the releases: .dockyard/report.html."""
    import webbrowser

    from dockyard.ui.report import write_report

    with at_work() as (screen, workspace):
        path, data = workspace.state / "report.html", gather(workspace)
        write_report(path, data, workspace.redactor)
        for line in data.missing:
            screen.say(f"The report lacks {line}.")
        screen.say(f"The report is {path}.")
        if open and not webbrowser.open(path.as_uri()):
            screen.say("No browser could be started.")


def gather(workspace: Workspace) -> ReportData:
    """Return what the report tells of: what cannot be asked is left out, with the reason."""
    from datetime import UTC, datetime

    from dockyard.journal import FILE, runs
    from dockyard.model.errors import DockyardError
    from dockyard.ui.report import ReportData

    missing = []
    sizes, history = None, None
    try:
        sizes = _sizes(workspace)
    except DockyardError as error:
        missing.append(f"the sizes of images: {str(error).rstrip('.')}")
    try:
        history = _history(workspace)
    except DockyardError as error:
        missing.append(f"the history of releases: {str(error).rstrip('.')}")
    return ReportData(
        project=workspace.project.name,
        made=datetime.now(UTC),
        runs=runs(workspace.state / FILE),
        sizes=sizes,
        history=history,
        missing=missing,
    )


def _sizes(workspace: Workspace) -> SizeReport:
    from dockyard.images.size import report_sizes

    return report_sizes(workspace.docker, tuple(workspace.project.images))


def _history(workspace: Workspace) -> Mapping[str, Sequence[HistoryEntry]]:
    from dockyard.releases import secret
    from dockyard.releases.records import read_records
    from dockyard.releases.site import connect
    from dockyard.releases.status import history

    site = connect(workspace)
    secret.learn(site.api, workspace.redactor)  # what Helm says of a revision may hold what its pods were given
    there = read_records(site.api)
    return {name: history(site, name) for name in workspace.project.order() if name in there}
