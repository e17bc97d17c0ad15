"""The node: what runs in it, and what this machine sees of it."""

from __future__ import annotations

import pytest
from testinfra.host import Host

from dockyard.workspace import Workspace
from tests.smoke.kubectl import Kubectl

pytestmark = pytest.mark.cluster

COMPONENTS = (
    "containerd",
    "etcd",
    "kube-apiserver",
    "kube-controller-manager",
    "kube-scheduler",
    "kubelet",
    "kube-proxy",
)


@pytest.mark.parametrize("component", COMPONENTS)
def test_every_component_runs_once(node: Host, component: str) -> None:
    """Each component of the cluster is one running process of the node."""
    # A multi-call binary: the kernel's name of the process is the binary's, its first argument is the component.
    started = [process.args.split()[0].rpartition("/")[2] for process in node.process.filter()]
    assert started.count(component) == 1


def test_the_node_can_make_pods(node: Host) -> None:
    """The files and the program that pods need are in place."""
    assert node.file("/run/containerd/containerd.sock").is_socket
    assert node.file("/etc/kubernetes/admin.conf").mode == 0o600
    assert node.find_command("runc")


def test_the_api_server_and_the_node_ports_listen_on_this_machine_only(machine: Host, workspace: Workspace) -> None:
    """What the cluster publishes is bound to 127.0.0.1 and to nothing else."""
    container = workspace.docker.container(workspace.cluster.name)
    assert container is not None
    published = [address for addresses in container.ports.values() for address in addresses]
    assert published
    assert all(address.startswith("127.0.0.1:") for address in published)
    for address in published:
        assert machine.socket(f"tcp://{address}").is_listening


def test_the_node_is_ready(kubectl: Kubectl) -> None:
    """Kubernetes says of the one node that it is Ready and has no pressure."""
    (node,) = kubectl.get("nodes")
    conditions = {entry["type"]: entry["status"] for entry in node["status"]["conditions"]}
    assert conditions.pop("Ready") == "True"
    assert set(conditions.values()) <= {"False"}
