"""What every cluster can do, whoever provides it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from collections.abc import Mapping

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


class Cluster(Protocol):
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

    def address(self, node_port: int) -> str:
        """Return `host:port` at which this machine reaches a NodePort."""
