"""What must stand before releases can: secrets, database, cluster."""

from __future__ import annotations

import shutil
from dataclasses import replace
from typing import TYPE_CHECKING

from dockyard import credentials, database
from dockyard.model.errors import MachineError
from dockyard.model.events import Event

if TYPE_CHECKING:
    from pathlib import Path

    from dockyard.model.events import Report
    from dockyard.workspace import Workspace

LEAST_SPACE = 2_000_000_000
"""Bytes that a build and its loaded copy take, roughly, before layers are shared."""


def prepare(workspace: Workspace, names: tuple[str, ...], report: Report) -> Workspace:
    """Check what can be checked, then start what the releases need beside themselves.

    Args:
        workspace: What to work with.
        names: The releases that will be deployed.
        report: Told of what happens.

    Returns:
        The workspace with the development database's address among its secrets, where that is used.

    Raises:
        MachineError: The engine does not answer, or its disk is nearly full.
        RefusedError: A secret has no value, or one that cannot be used; nothing was started.
    """
    workspace.docker.version()
    require_space(workspace.docker.data_root())
    spec = workspace.project.database
    uses_database = spec is not None and any(spec.secret in workspace.project.release(name).secrets for name in names)
    provided = (spec.secret,) if spec is not None and uses_database else ()
    credentials.require(workspace.project, names, workspace.secrets, provided=provided)
    if spec is not None and uses_database and spec.secret not in workspace.secrets:
        report(Event("database", "Using", f"{spec.secret} is not set: the development database"))
        there = database.start(workspace.docker, report, ca_bundle=workspace.ca_bundle)
        workspace = replace(workspace, secrets={**workspace.secrets, spec.secret: there.url_in_cluster})
    workspace.cluster.start(report)
    return workspace


def require_space(folder: Path) -> None:
    """Refuse to start on a disk that is nearly full.

    Raises:
        MachineError: Less than LEAST_SPACE is free.
    """
    if not folder.exists():  # the engine runs in a virtual machine, or elsewhere
        return
    free = shutil.disk_usage(folder).free
    if free < LEAST_SPACE:
        raise MachineError(
            f"Only {free / 1e9:.1f} GB are free where the Docker engine keeps its images ({folder})",
            why=f"A deploy may take {LEAST_SPACE / 1e9:.0f} GB",
            fix="Free some space; `docker system df` shows what takes it",
        )
