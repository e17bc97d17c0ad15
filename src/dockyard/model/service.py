"""Services (data-model.md, section 4)."""

from collections.abc import Mapping
from typing import Annotated, Literal, Self

from pydantic import Strict, model_validator

from dockyard.model.deployment import Labels, Protocol
from dockyard.model.entity import Entity, Port, PortRef
from dockyard.model.errors import RuleError
from dockyard.model.names import PortName, ServiceName, dns_label
from dockyard.model.rule import between, filled

SECTION = "data-model.md, section 4"
CLUSTER_DOMAIN = "cluster.local"

FIRST_NODE_PORT, LAST_NODE_PORT = 30000, 32767
"""The range that Kubernetes gives NodePorts unless its API server is told otherwise."""

NodePort = Annotated[
    int,
    Strict(),
    between(FIRST_NODE_PORT, LAST_NODE_PORT, "a NodePort", 'Kubernetes documentation, "Service", type NodePort'),
]


class ServicePort(Entity):
    """One port of a Service.

    Attributes:
        port: The Service's own.
        target_port: The container's, by number or name; the same number where it is not given.
        node_port: The node's, for access from outside; None lets Kubernetes choose.
        name: Its name; needed where there are several.
        protocol: TCP, UDP or SCTP.
    """

    port: Port
    target_port: PortRef | None = None
    node_port: NodePort | None = None
    name: PortName | None = None
    protocol: Protocol = "TCP"

    @property
    def target(self) -> int | str:
        """The container's port, by number or name."""
        return self.port if self.target_port is None else self.target_port


class ServiceSpec(Entity):
    """Access to pods over the network.

    Attributes:
        name: Its name, which is a host name of the cluster's DNS.
        type: NodePort for access from outside, ClusterIP for access inside only.
        selector: The labels of the pods that it routes to.
        ports: Its ports.
    """

    name: ServiceName
    type: Literal["NodePort", "ClusterIP"] = "ClusterIP"
    selector: Annotated[Labels, filled("label", SECTION)]
    ports: Annotated[tuple[ServicePort, ...], filled("port", SECTION)]

    @model_validator(mode="after")
    def _node_ports_are_for_node_port(self) -> Self:
        given = [port.node_port for port in self.ports if port.node_port is not None]
        if given and self.type != "NodePort":
            raise RuleError(
                f"The Service {self.name} has nodePort {given[0]} and type {self.type}",
                why=f"Only a Service of type NodePort has one ({SECTION})",
            )
        return self

    @model_validator(mode="after")
    def _ports_are_distinct(self) -> Self:
        if len(self.ports) > 1 and not all(port.name for port in self.ports):
            raise RuleError(
                f"The Service {self.name} has several ports and not all have a name",
                why='Each needs one (Kubernetes documentation, "Service", multi-port Services)',
            )
        numbers = [(port.port, port.protocol) for port in self.ports]
        names = [port.name for port in self.ports]
        outside = [(port.node_port, port.protocol) for port in self.ports if port.node_port is not None]
        if any(len(set(listed)) < len(listed) for listed in (numbers, names, outside)):
            raise RuleError(
                f"The Service {self.name} has a port twice", why="Names and numbers are distinct (Kubernetes API)"
            )
        return self

    def dns_names(self, namespace: str) -> tuple[str, ...]:
        """Return the host names that reach it, the shortest first; the first works in its own namespace only.

        Raises:
            RuleError: The namespace is no DNS label.
        """
        short = f"{self.name}.{dns_label(namespace)}"
        return (self.name, short, f"{short}.svc", self.fqdn(namespace))

    def fqdn(self, namespace: str) -> str:
        """Return its full host name.

        Raises:
            RuleError: The namespace is no DNS label.
        """
        return f"{self.name}.{dns_label(namespace)}.svc.{CLUSTER_DOMAIN}"

    def selects(self, labels: Mapping[str, str]) -> bool:
        """Tell whether it routes to pods with these labels."""
        return self.selector.items() <= labels.items()
