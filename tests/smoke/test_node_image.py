"""The node's image in a real engine: one node of its own name, ports and network, gone with all it had.

The image is the newest node image in the engine, or the one that DOCKYARD_NODE_IMAGE names; none is built here.
"""

from __future__ import annotations

import json
import os
import time
import uuid
from collections.abc import Callable, Iterator
from dataclasses import dataclass

import pytest

from dockyard.model.cluster import EMBEDDED_KUBERNETES
from dockyard.tools.process import Completed, run
from tests.conftest import MissingTool

pytestmark = pytest.mark.cluster

READY_LIMIT = 60.0
"""Seconds until a node that is not Ready counts as broken; a busy machine needs twice what an idle one does."""

POD = "asker"
LOOK_UP = "import socket, sys; print(*(socket.gethostbyname(name) for name in sys.argv[1:]))"


@dataclass(frozen=True)
class Node:
    """A node that runs.

    Attributes:
        name: Its container's name, and the node's.
        volume: The volume with its state.
    """

    name: str
    volume: str

    def execute(self, *argv: str, stdin: str | None = None) -> str:
        """Run a program in the container and return what it printed."""
        return run(["docker", "exec", "--interactive", self.name, *argv], timeout=20, stdin=stdin).stdout

    def kubectl(self, *arguments: str, stdin: str | None = None) -> str:
        """Run the node's own kubectl."""
        return self.execute("kubectl", *arguments, stdin=stdin)

    def log(self) -> str:
        """Return what was said since the container's last start: what stands before it is another run's."""
        started = docker("inspect", "--format", "{{.State.StartedAt}}", self.name).stdout.strip()
        return docker("logs", "--since", started, self.name).stdout


def docker(*arguments: str, timeout: float = 30, check: bool = True) -> Completed:
    """Run the Docker CLI."""
    return run(["docker", *arguments], timeout=timeout, check=check)


def until(true: Callable[[], bool], what: str) -> None:
    """Wait for something with a limit."""
    end = time.monotonic() + READY_LIMIT
    while not true():
        assert time.monotonic() < end, f"{what} did not come within {READY_LIMIT:g} s"
        time.sleep(0.3)


@pytest.fixture(scope="module")
def image(missing_tool: MissingTool) -> str:
    """The image to try."""
    if named := os.environ.get("DOCKYARD_NODE_IMAGE"):
        return named
    labelled = ["--filter", "label=dev.dockyard.kind=node", "--filter", "dangling=false"]
    found = docker("image", "ls", *labelled, "--format", "{{.Repository}}:{{.Tag}}", check=False).stdout.split()
    if not found:
        missing_tool("A node image in the engine", fix="`./inv cluster.start` builds one")
    return found[0]


@pytest.fixture(scope="module")
def node(image: str) -> Iterator[Node]:
    """A Ready node, with its API on a free port and no NodePorts."""
    name = f"dockyard-test-{uuid.uuid4().hex[:8]}"
    docker("network", "create", "--label", "dev.dockyard.kind=network", name)
    try:
        docker("run", *options(name), image)
        mounts = json.loads(docker("inspect", "--format", "{{json .Mounts}}", name).stdout)
        made = Node(name, next(mount["Name"] for mount in mounts if mount["Destination"] == "/var"))
        until(lambda: " all ready " in made.log(), "the components")
        until(lambda: " Ready " in made.kubectl("get", "nodes", "--no-headers"), "the node")
        account = ("get", "serviceaccount", "default", "--ignore-not-found", "--output", "name")
        until(lambda: bool(made.kubectl(*account).strip()), "the default service account")
        yield made
    finally:
        docker("rm", "--force", "--volumes", name, check=False)
        docker("network", "rm", name, check=False)


def options(name: str) -> list[str]:
    """Return the options of `docker run`: what `--privileged` gives, without CAP_SYS_RESOURCE."""
    return [
        *("--detach", "--name", name, "--hostname", name, "--network", name, "--label", "dev.dockyard.kind=node"),
        *("--cap-add", "ALL", "--cap-drop", "SYS_RESOURCE", "--security-opt", "seccomp=unconfined"),
        *("--security-opt", "apparmor=unconfined", "--security-opt", "systempaths=unconfined"),
        *("--device-cgroup-rule", "a *:* rwm", "--cgroupns", "private"),
        *("--tmpfs", "/run", "--tmpfs", "/tmp"),  # noqa: S108 - mount points of the container
        *("--add-host", "host.docker.internal:host-gateway", "--publish", "127.0.0.1::6443"),
    ]


@pytest.fixture(scope="module")
def pod(node: Node) -> str:
    """The name of a running pod that can run Python: the pause image, with the node's own programs mounted."""
    folders = ("usr", "lib", "lib64")
    container = {
        "name": POD,
        "image": "dockyard/pause:1",
        "imagePullPolicy": "Never",
        "volumeMounts": [{"name": name, "mountPath": f"/{name}", "readOnly": True} for name in folders],
    }
    volumes = [{"name": name, "hostPath": {"path": f"/{name}"}} for name in folders]
    spec = {"containers": [container], "volumes": volumes, "terminationGracePeriodSeconds": 0}
    manifest = {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": POD}, "spec": spec}
    node.kubectl("apply", "--filename", "-", stdin=json.dumps(manifest))
    node.kubectl("wait", "--for=condition=Ready", f"pod/{POD}", "--timeout=15s")
    return POD


def test_the_image_says_what_it_is(image: str) -> None:
    """Its labels are what lists and prunes go by, and name the Kubernetes in it."""
    labels = json.loads(docker("image", "inspect", "--format", "{{json .Config.Labels}}", image).stdout)
    assert (labels["dev.dockyard.kind"], labels["dev.dockyard.kubernetes"]) == ("node", EMBEDDED_KUBERNETES)


def test_api_server_and_kubelet_report_the_same_version(node: Node) -> None:
    """Each takes it from another vendored package."""
    server = json.loads(node.kubectl("version", "--output", "json"))["serverVersion"]["gitVersion"]
    kubelet = node.kubectl("get", "nodes", "--output", "jsonpath={.items[0].status.nodeInfo.kubeletVersion}")
    assert (server, kubelet) == (EMBEDDED_KUBERNETES, EMBEDDED_KUBERNETES)


def test_the_node_has_the_container_host_name(node: Node) -> None:
    """One name for the machine and for Kubernetes."""
    assert node.kubectl("get", "nodes", "--output", "name").strip() == f"node/{node.name}"


def test_init_says_each_component_ready_and_none_failed(node: Node) -> None:
    """The lines that the host reads."""
    lines = [line.split() for line in node.log().splitlines() if line.startswith("dockyard-node: ")]
    ready = {words[1] for words in lines if words[2] == "ready"}
    assert ready >= {
        "containerd",
        "etcd",
        "kube-apiserver",
        "kubelet",
        "kube-proxy",
        "coredns",
        "metrics-server",
        "all",
    }
    assert [words for words in lines if words[1] == "failed"] == []


def test_a_pod_resolves_services_containers_and_the_host(node: Node, pod: str) -> None:
    """Short and whole service names, a container of the Docker network, and the host by Docker's name for it."""
    names = ("kubernetes", "kubernetes.default.svc.cluster.local", node.name, "host.docker.internal")
    found = node.kubectl("exec", pod, "--", "/usr/bin/python3", "-c", LOOK_UP, *names).split()
    network = f'{{{{(index .NetworkSettings.Networks "{node.name}").IPAddress}}}}'
    assert found[:2] == ["10.97.0.1", "10.97.0.1"]
    assert found[2] == docker("inspect", "--format", network, node.name).stdout.strip()
    assert len(found) == len(names)


def test_a_pod_reaches_a_service_through_its_address(node: Node, pod: str) -> None:
    """The API server by its service: kube-proxy's rules carry the connection."""
    connect = "import socket; socket.create_connection(('kubernetes', 443), timeout=5); print('connected')"
    assert node.kubectl("exec", pod, "--", "/usr/bin/python3", "-c", connect).strip() == "connected"


def test_a_component_that_is_killed_comes_back(node: Node) -> None:
    """Init starts it again, and says so."""
    node.execute("python3", "-c", KILL, "kube-scheduler")
    until(lambda: node.log().count("dockyard-node: kube-scheduler ready") == 2, "the scheduler")
    assert "dockyard-node: kube-scheduler ended" in node.log()


def test_state_outlives_stop_and_start(node: Node) -> None:
    """The components end in order, within Docker's time, and what was stored is there again."""
    node.kubectl("create", "configmap", "kept", "--from-literal=key=value")
    docker("stop", node.name)
    state = json.loads(docker("inspect", "--format", "{{json .State}}", node.name).stdout)
    assert state["ExitCode"] == 0
    assert node.log().index("kube-apiserver stopped") < node.log().index("etcd stopped")
    docker("start", node.name)
    until(lambda: " kube-apiserver ready " in node.log(), "the API server")
    assert node.kubectl("get", "configmap", "kept", "--output", "jsonpath={.data.key}") == "value"


def test_nothing_is_left_when_it_is_removed(node: Node) -> None:
    """The volume with its state goes with the container. Stands last: the node is gone then."""
    docker("rm", "--force", "--volumes", node.name)
    assert docker("volume", "ls", "--quiet", "--filter", f"name={node.volume}").stdout.strip() == ""
    assert docker("ps", "--all", "--quiet", "--filter", f"name={node.name}").stdout.strip() == ""


KILL = """
import os, pathlib, signal, sys
for folder in pathlib.Path("/proc").glob("[0-9]*"):
    try:
        program = (folder / "cmdline").read_bytes().split(b"\\0")[0].decode()
    except OSError:
        continue
    if program.endswith(f"/{sys.argv[1]}"):
        os.kill(int(folder.name), signal.SIGKILL)
"""
"""Kills the component of that name, within the node's own process ids."""
