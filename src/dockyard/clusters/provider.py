"""Which cluster a project runs on."""

from __future__ import annotations

import shutil
from contextlib import suppress
from functools import partial
from types import MappingProxyType
from typing import TYPE_CHECKING

from dockyard import journal
from dockyard.clusters.embedded import EmbeddedCluster, EmbeddedSettings
from dockyard.clusters.go_modules import read_settings
from dockyard.clusters.minikube import Minikube
from dockyard.clusters.node_image import STEP, NodeImage
from dockyard.model.cluster import EMBEDDED_ADDONS, EMBEDDED_KUBERNETES
from dockyard.model.errors import ConfigError
from dockyard.model.project import DEFAULT_CLUSTER
from dockyard.tools import go

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from dockyard.clusters.protocol import Cluster
    from dockyard.model.project import ClusterSpec, Project
    from dockyard.tools.clock import Clock
    from dockyard.tools.docker import Docker


NOTHING: Mapping[str, str] = MappingProxyType({})


def choose(  # noqa: PLR0913 - what clusters need of the machine, by keyword
    project: Project,
    *,
    root: Path,
    docker: Docker,
    clock: Clock,
    ca_bundle: Path | None,
    environment: Mapping[str, str] = NOTHING,
) -> Cluster:
    """Return the cluster of a project: `provider: auto` takes Minikube where it is installed, else the embedded one.

    Args:
        project: The project.
        root: Its folder.
        docker: The Docker engine.
        clock: The clock for waiting.
        ca_bundle: The machine's own CA certificates.
        environment: The environment, for Go's settings in the build of the node image.

    Raises:
        ConfigError: The provider is not supported yet, or does not have what dockyard.yaml asks for.
    """
    provider = project.cluster.provider
    if provider == "auto":
        provider = "minikube" if shutil.which("minikube") else "embedded"
    folder = root / ".dockyard" / "clusters"
    if provider == "embedded":
        _require_embedded(project.cluster)
        return EmbeddedCluster(
            docker,
            embedded_settings(project.cluster.name, folder),
            node_image=NodeImage(
                docker,
                ca_bundle=ca_bundle,
                go_settings=partial(read_settings, environment, go.settings),
                last_build=partial(last_build, root / ".dockyard" / journal.FILE),
            ).ensure,
            clock=clock,
        )
    if provider == "minikube":
        return Minikube(project.cluster, docker=docker, folder=folder)
    raise ConfigError(
        f"cluster.provider is {provider!r}", why="Known are auto, embedded and minikube", fix="Choose one of these"
    )


def _require_embedded(cluster: ClusterSpec) -> None:
    """Refuse a Kubernetes version or an addon that the embedded cluster does not have.

    Raises:
        ConfigError: Names what it has.
    """
    chosen = "; `provider: auto` selects it because minikube is not on PATH" if cluster.provider == "auto" else ""
    if cluster.kubernetes_version not in {None, EMBEDDED_KUBERNETES}:
        raise ConfigError(
            f"cluster.kubernetesVersion is {cluster.kubernetes_version}",
            why=f"The embedded cluster runs Kubernetes {EMBEDDED_KUBERNETES} only{chosen}",
            fix=f"Write {EMBEDDED_KUBERNETES}, remove kubernetesVersion, or use Minikube for other versions",
        )
    missing = [name for name in cluster.addons if name not in EMBEDDED_ADDONS]
    if missing:
        raise ConfigError(
            f"cluster.addons has {', '.join(missing)}",
            why=f"The embedded cluster has {', '.join(EMBEDDED_ADDONS)} (always enabled) and no others{chosen}",
            fix="Remove it from cluster.addons, install it with a chart, or use Minikube",
        )


def last_build(path: Path) -> float | None:
    """Return the seconds that the last build of the node image in a journal took, or None."""
    with suppress(OSError):  # it is only for people to know how long they have to wait
        return journal.seconds_of(journal.runs(path), STEP)
    return None


def embedded_settings(name: str, folder: Path) -> EmbeddedSettings:
    """Return how the container of an embedded cluster is made.

    The default cluster has fixed ports of this machine, which people remember; one of another name stands beside it,
    and takes what is free.
    """
    if name == DEFAULT_CLUSTER:
        return EmbeddedSettings(folder=folder)
    return EmbeddedSettings(folder=folder, name=f"{name}-node", api_port=0, publish_from=0)
