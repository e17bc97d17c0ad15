"""How this machine reaches Services that nobody published a port for, on the live cluster."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from dockyard.cli.wiring import open_workspace
from dockyard.clusters.embedded import EmbeddedCluster
from dockyard.clusters.protocol import ExposedPort
from dockyard.releases.services import release_unused_addresses
from dockyard.releases.site import Site, connect
from dockyard.tools.clock import ticks
from dockyard.tools.docker import CLUSTER, KIND
from dockyard.tools.http import ask
from dockyard.tools.kubernetes import Api, Object
from dockyard.workspace import Workspace
from tests.smoke.conftest import ROOT
from tests.smoke.person import BACKEND

pytestmark = pytest.mark.cluster

NAME = "address-test"
NODE_PORT, PORT = 32000, 18000
LIMIT = 5.0
"""Seconds for the cluster to give a Service its addresses, and for kube-proxy to program it."""


@pytest.fixture
def site(workspace: Workspace) -> Site:
    """The live cluster."""
    return connect(workspace)


@pytest.fixture
def service(site: Site) -> Iterator[Object]:
    """A load balancer in front of the backend's pods, with a NodePort outside the published range."""
    backend = next(
        entry
        for entry in site.api.list("Service")
        if any(port.get("nodePort") == BACKEND for port in entry["spec"]["ports"])
    )
    (port,) = backend["spec"]["ports"]
    ports = [{"port": PORT, "nodePort": NODE_PORT, "targetPort": port["targetPort"]}]
    spec = {"type": "LoadBalancer", "selector": backend["spec"]["selector"], "ports": ports}
    yield site.api.create("Service", {"apiVersion": "v1", "metadata": {"name": NAME}, "spec": spec})
    site.api.delete("Service", NAME)
    assert any(site.api.get("Service", NAME) is None for _ in ticks(site.workspace.clock, limit=LIMIT, pause=0.05))
    release_unused_addresses(site.api, site.workspace.cluster)


def answers(workspace: Workspace, port: ExposedPort) -> str:
    """Return the address at which the backend answers."""
    address, status = "", 0
    for _ in ticks(workspace.clock, limit=LIMIT, pause=0.05):
        address = workspace.cluster.address(port)
        status = ask(f"http://{address}/health").status
        if status:
            break
    assert status == 200
    assert workspace.cluster.connection_error(port) == ""
    return address


@pytest.mark.usefixtures("service")
def test_a_node_port_outside_the_published_range_answers(workspace: Workspace) -> None:
    """Any from 30000 to 32767, whether or not this machine routes to the node."""
    answers(workspace, ExposedPort(port=PORT, node_port=NODE_PORT))


@pytest.mark.usefixtures("service")
def test_a_load_balancer_answers(workspace: Workspace, site: Site) -> None:
    """It gets an address of the node soon after it is created."""
    if not isinstance(workspace.cluster, EmbeddedCluster):
        pytest.skip("only the embedded cluster gives load balancers an address by itself")
    ingress: list[Object] = []
    for _ in ticks(workspace.clock, limit=LIMIT, pause=0.05):
        ingress = (site.api.get("Service", NAME) or {})["status"]["loadBalancer"].get("ingress") or []
        if ingress:
            break
    answers(workspace, ExposedPort(port=PORT, node_port=NODE_PORT, load_balancer=ingress[0]["ip"]))


def test_a_relay_leads_to_the_node_and_goes_with_the_service(
    service: Object, site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As on a machine that does not route to the node; the command after it finds the same relay."""
    if not isinstance(site.workspace.cluster, EmbeddedCluster):
        pytest.skip("only the embedded cluster has relays")
    monkeypatch.setattr(Api, "answers_at", lambda *_: False)
    labels = {KIND: "relay", CLUSTER: site.workspace.cluster.name}
    there = ExposedPort(port=PORT, node_port=NODE_PORT)
    first = answers(open_workspace(ROOT), there)
    assert first.startswith("127.0.0.1:")
    assert answers(open_workspace(ROOT), there) == first
    relays = site.workspace.docker.containers_labelled(labels)
    assert f"{site.workspace.cluster.name}-relay-{NODE_PORT}" in relays
    site.api.delete("Service", service["metadata"]["name"])
    assert answers_no_more(site.workspace, there)
    release_unused_addresses(site.api, site.workspace.cluster)
    assert set(site.workspace.docker.containers_labelled(labels)) == {*relays} - {
        f"{site.workspace.cluster.name}-relay-{NODE_PORT}"
    }


def answers_no_more(workspace: Workspace, port: ExposedPort) -> bool:
    """Whether a connection fails within the limit: a relay must not pretend that somebody is there."""
    return any(workspace.cluster.connection_error(port) for _ in ticks(workspace.clock, limit=LIMIT, pause=0.1))
