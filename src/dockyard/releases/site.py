"""A workspace with a cluster that runs: what releases are worked on with, put together once for a command."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from dockyard.releases.live import View

if TYPE_CHECKING:
    from dockyard.tools.helm import Helm
    from dockyard.tools.kubernetes import Api
    from dockyard.workspace import Workspace


@dataclass(frozen=True, slots=True)
class Site:
    """What releases are worked on with.

    Attributes:
        workspace: The workspace.
        helm: Helm on the cluster.
        api: The API server.
        view: What the cluster has, for all who wait.
    """

    workspace: Workspace
    helm: Helm
    api: Api
    view: View


def connect(workspace: Workspace) -> Site:
    """Return the site of a workspace.

    Raises:
        ClusterError: The cluster does not run.
    """
    target = workspace.target()
    api = workspace.api(target)
    return Site(workspace, workspace.helm(target), api, View(api, workspace.clock))
