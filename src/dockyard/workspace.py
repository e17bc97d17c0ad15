"""What one command works with: the project, its secrets, the programs and the cluster, put together once."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Self

from dockyard.model.errors import DockyardError
from dockyard.model.redaction import Redactor
from dockyard.tools.helm import Helm
from dockyard.tools.kubernetes import Api

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from pathlib import Path

    from dockyard.clusters.protocol import Cluster
    from dockyard.model.project import Project
    from dockyard.tools.clock import Clock
    from dockyard.tools.docker import Docker
    from dockyard.tools.kubernetes import Patience
    from dockyard.tools.target import Target


@dataclass(frozen=True, slots=True, kw_only=True)
class Workspace:
    """What one command works with.

    Attributes:
        root: The folder of dockyard.yaml.
        project: What it describes.
        docker: The Docker engine.
        cluster: The cluster; it may not run yet.
        programs: Where the pinned programs are, by name.
        clock: The clock that waits go by.
        ca_bundle: The machine's certificates where they are its own, or None.
        secrets: Values by name, from the environment and .env; in no repr.
        redactor: What takes these values, and those that become known later, out of all that is printed or kept.
    """

    root: Path
    project: Project
    docker: Docker
    cluster: Cluster
    programs: Mapping[str, Path]
    clock: Clock
    ca_bundle: Path | None
    secrets: Mapping[str, str] = field(repr=False)
    redactor: Redactor = field(default_factory=Redactor)

    def with_secret(self, name: str, value: str) -> Self:
        """Return the workspace with one more secret, which is redacted from now on."""
        self.redactor.learn({name: value})
        return replace(self, secrets={**self.secrets, name: value})

    @property
    def state(self) -> Path:
        """The folder of what can be made again: packaged charts, kubeconfigs."""
        return self.root / ".dockyard"

    def target(self) -> Target:
        """Return where Helm and kubectl reach the project's namespace.

        Raises:
            ClusterError: The cluster does not run.
        """
        return self.cluster.target(self.project.cluster.namespace)

    def kubernetes_version(self) -> str:
        """Return the Kubernetes version of the cluster that runs or will be started; empty if it is unknown.

        A provider that does not answer is no error: charts are rendered and checked before any cluster exists.
        """
        try:
            return self.cluster.kubernetes_version()
        except DockyardError:
            return self.project.cluster.kubernetes_version or ""

    def helm(self, target: Target | None = None) -> Helm:
        """Return Helm, on a cluster where a target is given."""
        return Helm(self.programs["helm"], target)

    def api(self, target: Target, patience: Callable[[], Patience] | None = None) -> Api:
        """Return the API server of a target; with patience, questions that are not answered are asked again."""
        return Api(target, patience)
