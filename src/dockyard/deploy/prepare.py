"""Requirements of a deploy besides images: secrets, the development database, the namespace, space on the disk."""

from __future__ import annotations

import shutil
from contextlib import suppress
from http import HTTPStatus
from typing import TYPE_CHECKING

from dockyard import credentials, database
from dockyard.model.errors import ApiRefusedError, ClusterError, MachineError, RefusedError
from dockyard.releases.site import Site, connect

if TYPE_CHECKING:
    from pathlib import Path

    from dockyard.workspace import Workspace

LEAST_SPACE = 2_000_000_000
"""Bytes that a build and its loaded copy take, roughly, before layers are shared."""

NAMESPACES = "api/v1/namespaces"

UNKNOWN_DATABASE = "postgresql://todo:unknown@unknown.invalid/todo"
"""Stands for the address of a development database that was not made yet, so that charts can be rendered."""


def require_secrets(workspace: Workspace, names: tuple[str, ...], *, strict: bool = False) -> None:
    """Refuse to start where a secret has no value, or one that cannot be used.

    Args:
        workspace: What has the values.
        names: The releases that need them.
        strict: Whether a weak value, and a .env that others may read, are refused too.

    Raises:
        RefusedError: Says which, and for whom.
    """
    if strict:
        credentials.require_private(workspace.root)
    secret = database_secret(workspace, names)
    provided = (secret,) if secret else ()
    credentials.require(workspace.project, names, workspace.secrets, provided=provided, strict=strict)


def peek(workspace: Workspace, names: tuple[str, ...], *, strict: bool = False) -> tuple[Workspace, Site | None]:
    """Return what a plan is made with, and start nothing.

    Args:
        workspace: What to work with.
        names: The releases.
        strict: As in `require_secrets`.

    Returns:
        The workspace with the development database's address where that is used, and the site where the cluster runs.

    Raises:
        RefusedError: A secret has no value, or one that cannot be used.
        MachineError: The engine does not answer.
    """
    require_secrets(workspace, names, strict=strict)
    secret = database_secret(workspace, names)
    if secret:
        there = database.find(workspace.docker)
        address = there.url_in_cluster if there else UNKNOWN_DATABASE
        workspace = workspace.with_secret(secret, address)
    try:
        return workspace, connect(workspace)
    except ClusterError:
        return workspace, None


def database_secret(workspace: Workspace, names: tuple[str, ...]) -> str:
    """Return the secret whose value is the URL of the development database, or nothing if that is not used."""
    spec = workspace.project.database
    if spec is None or spec.secret in workspace.secrets:
        return ""
    return spec.secret if any(spec.secret in workspace.project.release(name).secrets for name in names) else ""


def ensure_namespace(site: Site) -> None:
    """Have the project's namespace.

    Raises:
        RefusedError: It is being deleted.
    """
    name = site.api.namespace
    try:
        there = site.api.ask("GET", f"{NAMESPACES}/{name}")
    except ApiRefusedError as error:
        if error.status != HTTPStatus.NOT_FOUND:
            raise
        metadata = {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name}}
        with suppress(ApiRefusedError):  # somebody else was quicker
            site.api.ask("POST", NAMESPACES, body=metadata)
        return
    if there.get("status", {}).get("phase") == "Terminating":
        raise RefusedError(
            f"The namespace {name} is being deleted, and nothing can be made in it",
            fix=f"Wait until it is gone (`kubectl get namespace {name}`), or name another one in cluster.namespace",
        )


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
