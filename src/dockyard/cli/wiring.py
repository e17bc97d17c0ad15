"""Where everything is put together: the environment is read here and nowhere below."""

from __future__ import annotations

import os
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

from dockyard import config, credentials, envfile
from dockyard.clusters.provider import choose
from dockyard.machine.programs import binaries
from dockyard.model.redaction import Redactor
from dockyard.root import find_root
from dockyard.tools.clock import SystemClock
from dockyard.tools.docker import Docker
from dockyard.tools.identity import myself
from dockyard.workspace import Workspace

if TYPE_CHECKING:
    from dockyard.deploy.options import Options
    from dockyard.model.project import Project
    from dockyard.releases.rollout import Policy


def open_workspace(start: Path | None = None, *, profile: str | None = None) -> Workspace:
    """Return the workspace of the project that a folder is in, the current one by default.

    Args:
        start: The folder.
        profile: The overlay of dockyard.yaml to use; DOCKYARD_PROFILE names one where this does not.

    Raises:
        ConfigError: dockyard.yaml or .env cannot be used.
    """
    root = find_root(start or Path.cwd())
    project = config.load(root, profile or os.environ.get("DOCKYARD_PROFILE") or None)
    docker, clock, programs = Docker(), SystemClock(), binaries(root)
    ca_bundle = machine_certificates()
    names = secret_names(project)
    envfile.tidy(root / envfile.FILE)
    secrets = credentials.read(root, credentials.environment(), names)
    credentials.take(names)
    return Workspace(
        root=root,
        project=project,
        docker=docker,
        cluster=choose(
            project, root=root, docker=docker, clock=clock, ca_bundle=ca_bundle, environment=dict(os.environ)
        ),
        programs=programs,
        clock=clock,
        ca_bundle=ca_bundle,
        secrets=secrets,
        redactor=Redactor(secrets, words=project.names()),
    )


def options(*, jobs: int, wait_lock: float = 0.0, policy: Policy | None = None, strict: bool = False) -> Options:
    """Return how a deploy is done by this process."""
    from dockyard.deploy.options import Options as Made
    from dockyard.releases.rollout import Policy as Usual

    return Made(
        who=myself(),
        wall=lambda: datetime.now(UTC),
        jobs=jobs,
        policy=policy or Usual(),
        wait_lock=wait_lock,
        strict=strict,
    )


def secret_names(project: Project) -> tuple[str, ...]:
    """Return the names of all secrets that releases ask for, each once."""
    return tuple(dict.fromkeys(name for release in project.releases.values() for name in release.secrets))


def machine_certificates() -> Path | None:
    """Return the machine's own certificates where it says that it has some: images are then built with them."""
    named = os.environ.get("SSL_CERT_FILE", "")
    return Path(named) if named and Path(named).is_file() else None
