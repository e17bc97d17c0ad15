"""What every cluster can do, whoever provides it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping

    from dockyard.model.cluster import MinikubeCluster, Provider
    from dockyard.model.events import Report
    from dockyard.tools.target import Target


@dataclass(frozen=True, slots=True)
class Loaded:
    """What loading an image came to.

    Attributes:
        reference: The image.
        id: `sha256:...` of its configuration, as the node has it now.
        sent: Bytes that went to the node; 0 where it had the image already.
    """

    reference: str
    id: str
    sent: int


@dataclass(frozen=True, slots=True, kw_only=True)
class ExposedPort:
    """A TCP port of a Service, as clients outside the cluster reach it.

    Attributes:
        port: The Service's own port.
        target: The container's port, by number or name.
        hint: Its `appProtocol`, else its name, in lower case: what it speaks, if the chart says so.
        node_port: Its NodePort; 0 if it has none.
        load_balancer: Address of its load balancer; empty if it has none, or none yet.
    """

    port: int
    target: int | str = 0
    hint: str = ""
    node_port: int = 0
    load_balancer: str = ""

    @property
    def is_addressable(self) -> bool:
        """Whether it has an address outside the cluster yet."""
        return bool(self.node_port or self.load_balancer)


class Addressing(Protocol):
    """How this machine reaches Services."""

    def address(self, port: ExposedPort) -> str:
        """Return `host:port` at which this machine reaches a port of a Service."""

    def connection_error(self, port: ExposedPort) -> str:
        """Open a TCP connection to a port of a Service; return why that failed, or an empty string.

        A connection that only a proxy accepted, with no pod behind it, counts as failed.
        """

    def release_addresses(self, *, keep: Collection[ExposedPort]) -> None:
        """Remove whatever was set up to reach ports that no longer exist; ``keep`` are all that the cluster has."""


class Cluster(Addressing, Protocol):
    """A Kubernetes cluster that Dockyard can deploy to.

    Every method raises ClusterError when the cluster cannot do it, and MachineError when the machine cannot.
    """

    name: str

    @property
    def provider(self) -> Provider:
        """What runs the cluster."""

    def status(self) -> MinikubeCluster | None:
        """Return what the cluster is like now, or None where there is none."""

    def kubernetes_version(self) -> str:
        """Return the version of the running API server, or of the one that `start` will run; nothing is started.

        Raises:
            ToolError: The provider's program does not answer, so that the version is unknown.
        """

    def start(self, report: Report) -> None:
        """Make the cluster where there is none, and return when its node is Ready."""

    def stop(self, report: Report) -> None:
        """Stop the cluster; its state stays."""

    def delete(self, report: Report) -> None:
        """Remove the cluster and all that was made for it."""

    def target(self, namespace: str) -> Target:
        """Return where Helm and kubectl reach it.

        Raises:
            ClusterError: The cluster does not run.
        """

    def images(self) -> Mapping[str, str]:
        """Return the images in the node: reference (as Docker writes it) to `sha256:...` of its configuration."""

    def load(self, reference: str, report: Report) -> Loaded:
        """Bring an image of the Docker engine into the node."""

    def remove_images(self, references: tuple[str, ...]) -> None:
        """Remove images from the node."""
