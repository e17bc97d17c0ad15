"""A workspace with a cluster that runs: what releases are worked on with, put together once for a command."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from dockyard.model.events import Event
from dockyard.releases.live import View
from dockyard.releases.silence import Silence

if TYPE_CHECKING:
    from dockyard.model.events import Report
    from dockyard.tools.helm import Helm
    from dockyard.tools.kubernetes import Api
    from dockyard.workspace import Workspace


@dataclass(frozen=True, slots=True)
class Site:
    """What releases are worked on with.

    Attributes:
        workspace: The workspace.
        helm: Helm on the cluster.
        api: The API server; a question that it does not answer is asked again for a while.
        view: What the cluster has, for all who wait; a silent server is theirs to wait for.
    """

    workspace: Workspace
    helm: Helm
    api: Api
    view: View

    def runs(self) -> bool:
        """Tell whether the cluster runs."""
        return runs(self.workspace)


def runs(workspace: Workspace) -> bool:
    """Tell whether the cluster of a workspace runs."""
    status = workspace.cluster.status()
    return status is not None and status.status == "Running"


def connect(workspace: Workspace, report: Report | None = None) -> Site:
    """Return the site of a workspace.

    Args:
        workspace: The workspace.
        report: Told where a silent API server is waited for; nobody is where it is not given.

    Raises:
        ClusterError: The cluster does not run.
    """
    target = workspace.target()

    def tell(text: str) -> None:
        if report is not None:
            report(Event("cluster", "Waiting", text))

    def patience() -> Silence:
        return Silence(workspace.clock, lambda: runs(workspace), tell)

    api = workspace.api(target, patience if report is not None else None)
    return Site(workspace, workspace.helm(target), api, View(workspace.api(target), workspace.clock))
