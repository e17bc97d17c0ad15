"""Services that clients outside the cluster reach: NodePort and LoadBalancer, as the API server describes them."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

from dockyard.clusters.protocol import ExposedPort

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping

    from dockyard.charts.manifests import Manifests
    from dockyard.clusters.protocol import Addressing
    from dockyard.tools.kubernetes import Object

EXPOSED = frozenset({"NodePort", "LoadBalancer"})
"""Types of Services that are reached from outside the cluster."""

HTTPS_PORT = 443
HTTP_PORTS = frozenset({80, 8080})


class ServiceReader(Protocol):
    """What is asked of the API server.

    Attributes:
        namespace: The namespace of objects that name none.
    """

    namespace: str

    def ask(self, method: str, path: str) -> Object:
        """Return what the server answers on a path."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ExposedService:
    """A Service of type NodePort or LoadBalancer.

    Attributes:
        name: Its name.
        ports: Its TCP ports, at least one.
        has_selector: Whether Kubernetes chooses its endpoints among pods.
    """

    name: str
    ports: tuple[ExposedPort, ...]
    has_selector: bool

    @property
    def is_addressable(self) -> bool:
        """Whether each of its ports has an address outside the cluster."""
        return all(port.is_addressable for port in self.ports)

    @property
    def main_port(self) -> ExposedPort:
        """The port of its URL: the one that most likely speaks HTTP."""
        return min(self.ports, key=_preference)

    def url(self, addressing: Addressing) -> str:
        """Return the URL at which this machine reaches it."""
        scheme = "https" if _is_https(self.main_port) else "http"
        return f"{scheme}://{addressing.address(self.main_port)}"


def exposed_services(source: ServiceReader, manifests: Manifests) -> tuple[ExposedService, ...]:
    """Return the exposed Services of a release as they are in the cluster, in the order of its manifests.

    What was rendered does not say which NodePort or load balancer Kubernetes gave a Service.
    """
    exposed = _all_exposed(source)
    names = (_identity(entry, source.namespace) for entry in manifests.of_kind("Service"))
    return tuple(exposed[name] for name in names if name in exposed)


def release_unused_addresses(source: ServiceReader, addressing: Addressing) -> None:
    """Remove what was set up to reach Services that the cluster no longer has, in any namespace."""
    exposed = _all_exposed(source).values()
    addressing.release_addresses(keep=[port for service in exposed for port in service.ports])


def _all_exposed(source: ServiceReader) -> Mapping[tuple[str, str], ExposedService]:
    """Return the exposed Services of the cluster by namespace and name."""
    services: list[Object] = source.ask("GET", "api/v1/services")["items"]
    entries = Counter(entry for service in services for entry in _load_balancer_entries(service))
    ambiguous = {entry for entry, count in entries.items() if count > 1}
    found = {}
    for service in services:
        ports = tuple(_port(entry, service, ambiguous) for entry in _tcp_ports(service))
        if service["spec"].get("type") in EXPOSED and ports:
            name, selects = service["metadata"]["name"], bool(service["spec"].get("selector"))
            found[_identity(service, source.namespace)] = ExposedService(name=name, ports=ports, has_selector=selects)
    return found


def _identity(entry: Mapping[str, Mapping[str, str]], namespace: str) -> tuple[str, str]:
    return entry["metadata"].get("namespace") or namespace, entry["metadata"]["name"]


def _tcp_ports(service: Object) -> list[Object]:
    return [port for port in service["spec"].get("ports") or () if port.get("protocol", "TCP") == "TCP"]


def _port(port: Object, service: Object, ambiguous: Collection[tuple[str, int]]) -> ExposedPort:
    node_port, address = port.get("nodePort", 0), _load_balancer(service)
    # kube-proxy lets only these clients use the load balancer's address; a NodePort is open to all.
    restricted = node_port and service["spec"].get("loadBalancerSourceRanges")
    return ExposedPort(
        port=port["port"],
        target=port.get("targetPort") or port["port"],
        hint=(port.get("appProtocol") or port.get("name") or "").lower(),
        node_port=node_port,
        load_balancer="" if restricted or (address, port["port"]) in ambiguous else address,
    )


def _load_balancer_entries(service: Object) -> list[tuple[str, int]]:
    """Return address and port of each TCP port of a load balancer; two Services may have the same, and one gets all."""
    address = _load_balancer(service)
    return [(address, port["port"]) for port in _tcp_ports(service) if address]


def _load_balancer(service: Object) -> str:
    for ingress in service.get("status", {}).get("loadBalancer", {}).get("ingress") or ():
        return str(ingress.get("ip") or ingress.get("hostname") or "")
    return ""


def _preference(port: ExposedPort) -> int:
    if _speaks(port, "http"):
        return 0
    if _is_https(port):
        return 2
    return 1 if port.port in HTTP_PORTS else 3


def _is_https(port: ExposedPort) -> bool:
    return _speaks(port, "https") or (port.port == HTTPS_PORT and not _speaks(port, "http"))


def _speaks(port: ExposedPort, protocol: str) -> bool:
    """Whether a port's name says what it speaks: `http`, or `http-` and anything."""
    return port.hint == protocol or port.hint.startswith(f"{protocol}-")
