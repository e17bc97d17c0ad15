"""Services that clients outside the cluster reach."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pytest

from dockyard.clusters.protocol import ExposedPort
from dockyard.releases.services import ExposedService, exposed_services, release_unused_addresses
from tests.fakes import FakeApi, FakeCluster
from tests.releases.objects import manifests, service

NUMBERS = ("web", 31234), ("api", 31235)


def found(*live: Mapping[str, Any], rendered: tuple[Mapping[str, Any], ...] = ()) -> tuple[ExposedService, ...]:
    """Return what is exposed of a release with these Services."""
    api = FakeApi()
    api.put(*map(dict, live))
    return exposed_services(api, manifests(*map(dict, rendered or live)))


def with_ports(*ports: Mapping[str, Any], **spec: object) -> ExposedService:
    """Return a Service with these ports."""
    entry = service("web", node_port=30080)
    numbered = [{"nodePort": 30080 + number, **port} for number, port in enumerate(ports)]
    entry["spec"] = {**entry["spec"], "ports": numbered, **spec}
    (made,) = found(entry)
    return made


def test_what_kubernetes_chose_is_found() -> None:
    """The chart names neither the NodePort nor the load balancer."""
    chosen = service("web", kind="LoadBalancer", node_port=31234, address="172.18.0.2")
    (made,) = found(chosen, rendered=(service("web", kind="LoadBalancer"),))
    assert made.ports == (ExposedPort(port=80, target=80, node_port=31234, load_balancer="172.18.0.2"),)
    assert made.has_selector


def test_only_exposed_services_of_the_release_are_found() -> None:
    """In the order of its manifests; one that is gone is not there."""
    bare = {"kind": "Service", "metadata": {"name": "db"}, "spec": {"type": "ExternalName", "ports": None}}
    both = service("web", node_port=30080), service("api", node_port=30081, selector=False)
    other = service("other", node_port=30082)
    rendered = (*both, service("inner"), bare, service("gone", node_port=30083))
    seen = found(*both, service("inner"), bare, other, rendered=rendered)
    assert [(entry.name, entry.has_selector) for entry in seen] == [("web", True), ("api", False)]


def test_a_service_of_another_namespace_is_another_one() -> None:
    """A chart may write the namespace of an object out."""
    web = service("web", node_port=30080)
    web["metadata"]["namespace"] = "elsewhere"
    assert found(web, rendered=(service("web", node_port=30080),)) == ()
    assert [entry.name for entry in found(web)] == ["web"]


def test_only_tcp_is_connected_to() -> None:
    """A Service of UDP alone cannot be asked."""
    udp = {"port": 53, "protocol": "UDP"}
    assert [port.port for port in with_ports(udp, {"port": 80, "protocol": "TCP"}).ports] == [80]
    entry = service("dns", node_port=30053)
    entry["spec"]["ports"] = [udp]
    assert found(entry) == ()


@pytest.mark.parametrize(
    ("ports", "main", "url"),
    [
        (({"port": 9000}, {"port": 80, "name": "web"}), 80, "http://127.0.0.1:30081"),
        (({"port": 50051, "name": "grpc"}, {"port": 3000, "name": "HTTP-web"}), 3000, "http://127.0.0.1:30081"),
        (({"port": 443, "name": "https"}, {"port": 8080, "name": "web"}), 8080, "http://127.0.0.1:30081"),
        (({"port": 5432}, {"port": 8443, "appProtocol": "https"}), 8443, "https://127.0.0.1:30081"),
        (({"port": 443},), 443, "https://127.0.0.1:30080"),
        (({"port": 443, "name": "http"},), 443, "http://127.0.0.1:30080"),
        (({"port": 5432}, {"port": 5433}), 5432, "http://127.0.0.1:30080"),
    ],
)
def test_the_url_is_that_of_the_port_that_most_likely_speaks_http(
    ports: tuple[Mapping[str, Any], ...], main: int, url: str
) -> None:
    """By what the chart says of it, else by its number, else the first."""
    made = with_ports(*ports)
    assert (made.main_port.port, made.url(FakeCluster())) == (main, url)


def test_a_load_balancer_for_some_clients_is_passed_by() -> None:
    """This machine may not be one of them; the NodePort is for all."""
    entry = service("web", kind="LoadBalancer", node_port=31234, address="172.18.0.2")
    entry["spec"]["loadBalancerSourceRanges"] = ["192.0.2.0/24"]
    (made,) = found(entry)
    assert made.url(FakeCluster()) == "http://127.0.0.1:31234"


def test_load_balancers_of_one_address_and_port_are_told_apart_by_their_node_ports() -> None:
    """kube-proxy gives every connection to that address to one of them."""
    both = [service(name, kind="LoadBalancer", node_port=number, address="172.18.0.2") for name, number in NUMBERS]
    both[1]["spec"]["ports"].append({"port": 443, "nodePort": 31236})
    assert [entry.url(FakeCluster()) for entry in found(*both)] == ["http://127.0.0.1:31234", "http://127.0.0.1:31235"]
    assert [port.load_balancer for port in found(*both)[1].ports] == ["", "172.18.0.2"]


@pytest.mark.parametrize(("ingress", "address"), [({"hostname": "lb.example"}, "lb.example"), ({}, "")])
def test_a_load_balancer_may_have_a_name(ingress: Mapping[str, str], address: str) -> None:
    """Some clouds give none of the two."""
    entry = {**service("web", kind="LoadBalancer"), "status": {"loadBalancer": {"ingress": [ingress]}}}
    (made,) = found(entry)
    assert (made.ports[0].load_balancer, made.is_addressable) == (address, bool(address))


def test_addresses_of_every_namespace_are_kept() -> None:
    """Several projects may share a cluster."""
    api, cluster = FakeApi(), FakeCluster()
    elsewhere = service("web", node_port=31001)
    elsewhere["metadata"]["namespace"] = "elsewhere"
    api.put(service("api", node_port=31000), elsewhere, service("inner"))
    release_unused_addresses(api, cluster)
    assert cluster.kept == [{31000, 31001}]
