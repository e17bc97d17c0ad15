"""The node's components and the files that configure them."""

from __future__ import annotations

import json
import re
from ipaddress import ip_address, ip_network
from pathlib import Path
from typing import Any

import pytest
import yaml

from dockyard_node.units import DOMAIN, PKI, STOP_ORDER, Node, units

ROOTFS = Path(__file__).parents[2] / "dockerfiles" / "node" / "rootfs"
ENTRYPOINT = (ROOTFS / "usr/local/bin/entrypoint").read_text()
ADDRESSES = dict(re.findall(r"([A-Z_]+)=([\d./]+)", ENTRYPOINT))
NODE = Node(
    name="dockyard-node",
    address=ADDRESSES["NODE_ADDRESS"],
    outer_address="172.18.0.2",
    pods=ADDRESSES["POD_CIDR"],
    services=ADDRESSES["SERVICE_CIDR"],
)
ALL = {unit.name: unit for unit in units(NODE)}


def settings(name: str) -> dict[str, object]:
    """Return a configuration file of the image."""
    loaded = yaml.safe_load((ROOTFS / "etc/dockyard" / name).read_text())
    assert isinstance(loaded, dict)
    return loaded


def objects() -> list[dict[str, Any]]:
    """Return the objects that the node applies to its own cluster."""
    files = sorted((ROOTFS / "etc/dockyard/objects").glob("*.yaml"))
    return [found for path in files for found in yaml.safe_load_all(path.read_text())]


def test_every_need_is_a_component_and_none_needs_itself() -> None:
    """All of them can be started in some order."""
    started: set[str] = set()
    while len(started) < len(ALL):
        fit = {name for name, unit in ALL.items() if name not in started and started >= set(unit.needs)}
        assert fit, f"{set(ALL) - started} can never be started"
        started |= fit


def test_everything_that_is_started_is_ended() -> None:
    """Each component is in exactly one group."""
    assert sorted(name for group in STOP_ORDER for name in group) == sorted(ALL)


def test_nobody_is_ended_before_those_that_need_it() -> None:
    """A component's needs are in a later group, or in its own."""
    turn = {name: number for number, group in enumerate(STOP_ORDER) for name in group}
    assert all(turn[need] >= turn[name] for name, unit in ALL.items() for need in unit.needs)


def test_programs_are_named_by_path() -> None:
    """`posix_spawn` does not look at PATH."""
    assert [unit.name for unit in ALL.values() if not unit.argv[0].startswith("/")] == []


def test_the_node_is_read_from_what_the_entrypoint_exports() -> None:
    """A variable that is missing is an error, not an empty flag."""
    environment = {
        "NODE": "n",
        "NODE_ADDRESS": "10.0.0.1",
        "OUTER_ADDRESS": "172.18.0.2",
        "POD_CIDR": "10.0.0.0/24",
        "SERVICE_CIDR": "10.1.0.0/16",
    }
    assert Node.of(environment) == Node(
        name="n", address="10.0.0.1", outer_address="172.18.0.2", pods="10.0.0.0/24", services="10.1.0.0/16"
    )
    del environment["POD_CIDR"]
    with pytest.raises(KeyError):
        Node.of(environment)
    assert all(f"export {name}" in ENTRYPOINT or f"{name}=" in ENTRYPOINT for name in environment)


def test_addresses_are_the_same_everywhere() -> None:
    """The entrypoint, the kubelet, kube-proxy, the pods' DNS and their network."""
    kubelet, proxy = settings("kubelet.yaml"), settings("kube-proxy.yaml")
    plugin = json.loads((ROOTFS / "etc/dockyard/cni.conflist").read_text())["plugins"][0]
    assert (kubelet["address"], kubelet["clusterDNS"]) == (NODE.address, [NODE.address])
    assert f"nameserver {NODE.address}\n" in (ROOTFS / "etc/dockyard/resolv.conf").read_text()
    assert proxy["clusterCIDR"] == NODE.pods
    assert plugin["ipam"]["ranges"] == [[{"subnet": NODE.pods, "gateway": NODE.address}]]
    assert kubelet["clusterDomain"] == DOMAIN


def test_the_addons_are_found_at_the_address_of_the_node() -> None:
    """CoreDNS listens there, and the Services of DNS and metrics lead there."""
    assert f"bind {NODE.address}\n" in (ROOTFS / "etc/dockyard/Corefile").read_text()
    slices = [found for found in objects() if found["kind"] == "EndpointSlice"]
    assert len(slices) == 2
    assert [found["endpoints"][0]["addresses"] for found in slices] == [[NODE.address]] * 2
    (service,) = [found for found in objects() if found["metadata"]["name"] == "kube-dns"]
    assert ip_address(service["spec"]["clusterIP"]) in ip_network(NODE.services)


def test_every_component_may_read_what_it_needs() -> None:
    """The user of each certificate that is no administrator has a role, bound to it by name."""
    users = set(re.findall(r"certificate \S+ /CN=(system:[a-z-]+)(?: |$)", ENTRYPOINT, re.MULTILINE))
    bound = {
        subject["name"]
        for found in objects()
        if found["kind"] == "ClusterRoleBinding"
        for subject in found["subjects"]
        if subject["kind"] == "User"
    }
    built_in = {"system:kube-controller-manager", "system:kube-scheduler", "system:kube-proxy"}
    assert users - built_in == bound == {"system:coredns", "system:metrics-server", "system:node-controllers"}


def test_there_is_one_default_storage_class() -> None:
    """A claim without a class would get none, or any of several."""
    classes = [found for found in objects() if found["kind"] == "StorageClass"]
    (annotations,) = [found["metadata"]["annotations"] for found in classes]
    assert annotations == {"storageclass.kubernetes.io/is-default-class": "true"}


def test_addresses_fit_each_other() -> None:
    """The node is within the pods' range, the API's service is the first of the services'."""
    assert ip_address(NODE.address) in ip_network(NODE.pods)
    assert ip_address(ADDRESSES["API_SERVICE"]) == ip_network(NODE.services)[1]
    assert not ip_network(NODE.pods).overlaps(ip_network(NODE.services))


def test_every_certificate_that_is_used_is_made() -> None:
    """By the entrypoint, in the folder that the components read."""
    made = set(re.findall(r"^ +(?:certificate|authority) ([a-z-]+)", ENTRYPOINT, re.MULTILINE)) | {"sa"}
    configured = [*(argument for unit in ALL.values() for argument in unit.argv)]
    configured += [(ROOTFS / "etc/dockyard/kubelet.yaml").read_text()]
    used = {name for text in configured for name in re.findall(rf"{PKI}/([a-z-]+)\.(?:crt|key|pub)", text)}
    assert used
    assert used <= made


def test_every_kubeconfig_that_is_used_is_written() -> None:
    """By the entrypoint, for users that have a certificate."""
    written = re.search(r"for user in ([a-z -]+);", ENTRYPOINT)
    assert written is not None
    texts = [*(argument for unit in ALL.values() for argument in unit.argv)]
    texts += [(ROOTFS / "etc/dockyard/kube-proxy.yaml").read_text()]
    used = {name for text in texts for name in re.findall(r"/etc/kubernetes/([a-z-]+)\.conf", text)}
    assert used
    assert used <= set(written[1].split())


def test_a_change_of_the_host_disk_never_evicts() -> None:
    """The node shares the host's disk: its filling up must neither remove images nor pods."""
    kubelet = settings("kubelet.yaml")
    assert kubelet["imageGCHighThresholdPercent"] == 100
    hard = kubelet["evictionHard"]
    assert isinstance(hard, dict)
    assert {name for name, limit in hard.items() if limit != "0%"} == {"memory.available"}
