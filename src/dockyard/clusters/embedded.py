"""The embedded cluster: a real single-node Kubernetes in one container.

For machines without Minikube. It needs only a Docker engine: the node's image is built from Go modules and Debian
packages (dockerfiles/node.Dockerfile). API server and NodePorts are published on 127.0.0.1 only. The
node's state is the container's anonymous volume: kept over stop and start, gone with the container.
"""

from __future__ import annotations

import re
import socket
import textwrap
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Final

from dockyard.clusters.protocol import Loaded
from dockyard.clusters.relays import Relays
from dockyard.images.archive import full_reference, read, short_reference, write
from dockyard.model.cluster import EMBEDDED_ADDONS, EMBEDDED_KUBERNETES, MinikubeCluster
from dockyard.model.errors import ClusterError, MachineError, ToolError
from dockyard.model.events import Event, Progress
from dockyard.tools.clock import ticks
from dockyard.tools.docker import KIND
from dockyard.tools.kubernetes import Api
from dockyard.tools.target import Target
from dockyard.tools.tcp import PROXY_SETTLE, connection_error

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Mapping
    from pathlib import Path

    from dockyard.clusters.protocol import ExposedPort
    from dockyard.model.events import Report
    from dockyard.tools.clock import Clock
    from dockyard.tools.docker import ContainerFacts, Docker

NETWORK = "dockyard"
"""The Docker network of the node and of what pods reach by name beside it."""

CONTEXT = "dockyard"
"""The context that the node's own kubeconfig has."""

VERSION_LABEL = "dev.dockyard.kubernetes"
"""Label of the node's image, and so of its container: the Kubernetes version in it."""

API_PORT = 6443
START_LIMIT = 120.0
"""Seconds until a node that is not Ready counts as broken; it takes 5 on two idle cores."""

STOP_GRACE = 20
"""Seconds for the node's components to end in order."""

LOG_LINES = 60
MEGABYTE = 1_000_000

FAILED = re.compile(r"^dockyard-node: failed (\S+).*\n?((?:  .*\n?)*)", re.MULTILINE)
"""How the node says that a component does not start; that component's own last lines follow, indented."""

CONTAINERD_DATA = "/var/lib/containerd"
CONTAINERD_USERS = ("containerd", "images")
"""The components that fail if these data are damaged: containerd itself, or the first import into it."""

RESET_LIMIT = 120.0
"""Seconds to remove the data of containerd; some gigabytes of small files take a while."""

CTR = ("ctr", "--namespace", "k8s.io")


@dataclass(frozen=True, slots=True, kw_only=True)
class EmbeddedSettings:
    """How the container is made.

    Attributes:
        name: Container name; the node's name too.
        api_port: Port of this machine for the API server; 0 takes a free one.
        node_ports: NodePorts that are published, first and last.
        publish_from: First port of this machine for them; the same numbers by default, 0 takes free ones.
        folder: Where the kubeconfig is kept.
    """

    folder: Path
    name: str = "dockyard-node"
    api_port: int = 16443
    node_ports: tuple[int, int] = (30080, 30090)
    publish_from: int = 30080


class EmbeddedCluster:
    """A cluster in one container; see :class:`dockyard.clusters.protocol.Cluster` for the methods."""

    provider: Final = "embedded"

    def __init__(
        self,
        docker: Docker,
        settings: EmbeddedSettings,
        *,
        node_image: Callable[[Report], str],
        clock: Clock,
        api: Callable[[Target], Api] = Api,
    ) -> None:
        self.name = settings.name
        self._docker, self._settings, self._clock = docker, settings, clock
        self._node_image, self._api = node_image, api
        self._known: ContainerFacts | None = None
        self._routes: dict[str, bool] = {}
        self._relays = Relays(docker, node=settings.name, network=NETWORK, clock=clock)

    def status(self) -> MinikubeCluster | None:
        """Return what the node is like; its image's version label names the Kubernetes in it."""
        container = self._docker.container(self.name)
        if container is None:
            return None
        return MinikubeCluster(
            driver="docker",
            kubernetes_version=_labelled_version(container),
            status="Running" if container.running else "Stopped",
            ip="127.0.0.1",
            addons=EMBEDDED_ADDONS,
        )

    def kubernetes_version(self) -> str:
        """Ask the API server; a node that does not run has the version of its image, a new one that of the next start.

        Without a Docker engine there is no node.
        """
        try:
            container = self._docker.container(self.name)
        except (MachineError, ToolError):
            return EMBEDDED_KUBERNETES
        if container is None:
            return EMBEDDED_KUBERNETES
        if container.running:
            self._known = container
            with suppress(ClusterError, ToolError):
                return self._api(self.target("default")).version()
        return _labelled_version(container)

    def start(self, report: Report) -> None:
        """Create or start the container and wait for its node.

        Raises:
            ClusterError: The node has another Kubernetes version than this Dockyard supports, or does not become Ready.
        """
        container = self._known = self._docker.container(self.name)
        if container is not None:
            self._require_supported_version(container)
        if container is not None and container.running and self._answers():
            report(Event("cluster", "Ready", f"{self.name} is running already"))
            return
        since, self._known = datetime.now(UTC), None
        if container is None:
            self._create(report)
        elif not container.running:
            _refuse_taken_ports(self._publish())
            report(Event("cluster", "Starting", f"container {self.name}"))
            self._docker.start(self.name)
            self._relays.start()
        self._await_ready(since, report)

    def stop(self, report: Report) -> None:
        """Stop the container in order."""
        container = self._docker.container(self.name)
        self._known = None
        if container is None or not container.running:
            report(Event("cluster", "Stopped", f"{self.name} does not run"))
            return
        report(Event("cluster", "Stopping", f"container {self.name}", passing=True))
        self._docker.stop(self.name, grace=STOP_GRACE)
        self._relays.stop()
        report(Event("cluster", "Stopped", "its state is kept; `cluster.start` brings it back"))

    def delete(self, report: Report) -> None:
        """Remove the containers with their volumes, the kubeconfig, and the network when nothing else is in it."""
        self._relays.remove()
        if self._docker.container(self.name) is None:
            report(Event("cluster", "Absent", f"there is no container {self.name}"))
        else:
            self._docker.remove(self.name)
            report(Event("cluster", "Deleted", f"container {self.name} and its state"))
        self._known = None
        self._kubeconfig.unlink(missing_ok=True)
        self._docker.remove_network(NETWORK)

    def target(self, namespace: str) -> Target:
        """Return the node's kubeconfig, written anew when the container is another one than it was made for.

        Another checkout may have made it: under the same name and address, with other certificates.
        """
        container = self._current()
        made_for = f"{_mark(container)}\n", self._server(container)
        text = self._kubeconfig.read_text() if self._kubeconfig.exists() else ""
        if not all(part in text for part in made_for):
            self._write_kubeconfig(container)
        return Target(kubeconfig=self._kubeconfig, context=CONTEXT, namespace=namespace)

    def images(self) -> Mapping[str, str]:
        """Join containerd's names: it keeps the configuration's digest as one more name of the same target."""
        done = self._docker.execute(self.name, [*CTR, "images", "list"])
        rows = [line.split() for line in done.stdout.splitlines()[1:]]
        ids = {row[2]: row[0] for row in rows if row[0].startswith("sha256:")}
        return {
            short_reference(row[0]): ids[row[2]] for row in rows if not row[0].startswith("sha256:") and row[2] in ids
        }

    def load(self, reference: str, report: Report) -> Loaded:
        """Send the layers that the node lacks, then compare ids."""
        wanted = self._docker.image(reference)
        if wanted is None:
            raise ClusterError(f"The image {reference} is not in the Docker engine", fix="Run `./inv build`")
        if self.images().get(reference) == wanted.id:
            return Loaded(reference, wanted.id, 0)
        loaded = self._send(reference, report)
        there = self.images().get(reference)
        if there != loaded.id:
            raise ClusterError(
                f"The node has another image under the name {reference} than the one that was sent",
                why=f"It has {there}, {loaded.id} was sent",
                fix="Run the same command again",
            )
        return loaded

    def remove_images(self, references: tuple[str, ...]) -> None:
        """Remove names from containerd, and the digest by which it keeps an image that has no other name.

        Layers that nothing uses go with them.
        """
        if not references:
            return
        there = self.images()
        kept = {id_ for name, id_ in there.items() if name not in references}
        ids = {there[name] for name in references if name in there} - kept
        names = (*map(full_reference, references), *sorted(ids))
        self._docker.execute(self.name, [*CTR, "images", "remove", "--sync", *names])

    def address(self, port: ExposedPort) -> str:
        """Return the published address of a NodePort, else the node's own if this machine routes to it, else a relay's.

        Raises:
            ClusterError: The cluster does not run, or the relay does not start.
        """
        container = self._current()
        published = container.ports.get(port.node_port)
        if published and not port.load_balancer:
            return published[0]
        if direct := self._direct_address(port):
            return direct
        return published[0] if published else self._relays.address(_port_of_node(port), container.image_id)

    def connection_error(self, port: ExposedPort) -> str:
        """Connect to the node itself if this machine routes to it: a published port accepts every connection."""
        if direct := self._direct_address(port):
            return connection_error(direct)
        return connection_error(self.address(port), settle=PROXY_SETTLE)

    def release_addresses(self, *, keep: Collection[ExposedPort]) -> None:
        """Remove the relays of all other ports."""
        self._relays.remove(keep=set(map(_port_of_node, keep)))

    def _direct_address(self, port: ExposedPort) -> str:
        """Return the address at which a packet reaches kube-proxy without a proxy of Docker; empty if there is none."""
        node = self._current().networks.get(NETWORK, "")
        if not node or not self._routes_to(node):
            return ""
        if port.load_balancer == node or not port.node_port:
            return f"{port.load_balancer}:{port.port}"
        return f"{node}:{port.node_port}"

    def _routes_to(self, node: str) -> bool:
        """Whether this machine routes to the node: on Linux it does, unless the engine runs in a virtual machine."""
        if node not in self._routes:
            self._routes[node] = self._api(self.target("default")).answers_at(node, API_PORT)
        return self._routes[node]

    def _current(self) -> ContainerFacts:
        self._known = self._known or self._running()
        return self._known

    @property
    def _kubeconfig(self) -> Path:
        return self._settings.folder / f"{self.name}.kubeconfig"

    def _running(self) -> ContainerFacts:
        container = self._docker.container(self.name)
        if container is None or not container.running:
            raise ClusterError(
                f"The cluster {self.name} is {'not there' if container is None else 'stopped'}",
                fix="Run `./inv cluster.start`",
            )
        return container

    def _require_supported_version(self, container: ContainerFacts) -> None:
        """Refuse to work on a node of another Dockyard version; its data are the user's to give up."""
        version = _labelled_version(container)
        if version != EMBEDDED_KUBERNETES:
            raise ClusterError(
                f"The cluster {self.name} runs Kubernetes {version}, this Dockyard needs {EMBEDDED_KUBERNETES}",
                why="A node cannot be upgraded in place",
                fix="`./inv cluster.delete deploy` replaces it. Its releases and volumes are lost: save what you need",
            )

    def _create(self, report: Report) -> None:
        image = self._node_image(report)
        publish = self._publish()
        _refuse_taken_ports(publish)
        self._docker.ensure_network(NETWORK)
        report(Event("cluster", "Starting", f"container {self.name} from {image}"))
        self._docker.run_container(
            image,
            name=self.name,
            hostname=self.name,
            networks=[NETWORK],
            labels={KIND: "node"},
            publish=[(published(port), inner) for port, inner in publish],
            add_hosts=[("host.docker.internal", "host-gateway")],
            tmpfs=["/run", "/tmp"],  # noqa: S108 - mount points of the container
            restart="no",
            # What `--privileged` gives, spelled out: some hosts have no CAP_SYS_RESOURCE, and then it fails.
            cap_add=["ALL"],
            cap_drop=["SYS_RESOURCE"],
            security_options=["seccomp=unconfined", "apparmor=unconfined", "systempaths=unconfined"],
            device_cgroup_rules=["a *:* rwm"],
            cgroupns="private",
        )

    def _publish(self) -> tuple[tuple[int, int], ...]:
        """Return port of this machine (0: any free one) and port of the container, for each that is published."""
        first, last = self._settings.node_ports
        start = self._settings.publish_from
        ports = [(start + port - first if start else 0, port) for port in range(first, last + 1)]
        return ((self._settings.api_port, API_PORT), *ports)

    def _answers(self) -> bool:
        try:
            return self._api(self.target("default")).ready()
        except ClusterError:
            return False

    def _await_ready(self, since: datetime, report: Report) -> None:
        missing, repaired = "the API server", False
        for _ in ticks(self._clock, limit=START_LIMIT, pause=0.3):
            container = self._docker.container(self.name)
            if container is None or not container.running:
                raise self._broken("The node's container ended while it started")
            said = self._docker.logs(self.name, tail=LOG_LINES, since=since)  # an earlier start may have failed
            failed = FAILED.search(said)
            if failed and failed[1] in CONTAINERD_USERS and not repaired:
                since, repaired = self._reset_containerd(report), True
                continue
            if failed:
                raise self._broken(f"The cluster's component {failed[1]} does not start", failed[2])
            missing = self._what_is_missing(since)
            if not missing:
                report(Event("cluster", "Ready", f"node {self.name}"))
                return
            report(Event("cluster", "Starting", f"waiting for {missing}", passing=True))
        raise self._broken(f"The node was not Ready within {START_LIMIT:g} s: {missing} is missing")

    def _reset_containerd(self, report: Report) -> datetime:
        """Remove the data of a containerd that does not start or does not work, and restart the node.

        A kill or a power cut in the middle of an import can damage them. They are images, which are delivered again,
        and containers, which the kubelet creates again; the cluster's objects and volumes are elsewhere.

        Returns:
            When the node was started again.
        """
        report(
            Event(
                "cluster", "Repairing", "containerd's data are damaged: images and containers are removed, not volumes"
            )
        )
        self._docker.execute(self.name, ["find", CONTAINERD_DATA, "-mindepth", "1", "-delete"], timeout=RESET_LIMIT)
        self._docker.stop(self.name, grace=STOP_GRACE)
        since, self._known = datetime.now(UTC), None
        self._docker.start(self.name)
        return since

    def _what_is_missing(self, since: datetime) -> str:
        """Return what a usable cluster still lacks, or nothing.

        A node's Ready condition is stale after a restart, so its heartbeat must be younger than the start; and pods
        cannot be made before the `default` ServiceAccount is there, 2 or 3 seconds after Ready.
        """
        try:
            api = self._api(self.target("default"))
            nodes = api.ask("GET", "api/v1/nodes")["items"]
            accounts = api.list("ServiceAccount")
        except (ToolError, ClusterError):
            return "the API server"
        if not any(_is_ready(node, since) for node in nodes):
            return "the node"
        return "" if accounts else "the default ServiceAccount"

    def _broken(self, what: str, own_lines: str = "") -> ClusterError:
        lines = textwrap.dedent(own_lines or self._docker.logs(self.name, tail=20)).rstrip()
        return ClusterError(
            what,
            why=f"its last log lines:\n{textwrap.indent(lines, '  ')}\n",
            fix="`./inv cluster.delete cluster.start` makes a new one",
        )

    def _server(self, container: ContainerFacts) -> str:
        return f"https://{container.ports[API_PORT][0]}"

    def _write_kubeconfig(self, container: ContainerFacts) -> None:
        admin = self._docker.execute(self.name, ["cat", "/etc/kubernetes/admin.conf"]).stdout
        text = re.sub(r"https://127\.0\.0\.1:\d+", self._server(container), admin)
        self._settings.folder.mkdir(parents=True, exist_ok=True)
        self._kubeconfig.touch(mode=0o600)
        self._kubeconfig.write_text(f"{_mark(container)}\n{text}")

    def _send(self, reference: str, report: Report) -> Loaded:
        have = self._docker.execute(self.name, [*CTR, "content", "list", "--quiet"]).stdout.split()
        name = full_reference(reference)

        with self._docker.saving(reference) as saved:
            if saved.stdout is None:
                raise AssertionError
            image = read(saved.stdout, frozenset(have))
        total = sum(layer.size for layer in image.missing) / MEGABYTE

        def on_bytes(sent: int) -> None:
            progress = Progress(round(sent / MEGABYTE, 1), round(total, 1), "MB")
            text = f"{progress.done:g} of {progress.total:g} MB"
            report(Event(short_reference(reference), "Loading", text, passing=True, progress=progress))

        with image, self._docker.feeding(self.name, [*CTR, "images", "import", "-"]) as importing:
            if importing.stdin is None:
                raise AssertionError
            sent = write(image, name, importing.stdin, on_bytes=on_bytes)
        return Loaded(reference, image.id, sent)


def _port_of_node(port: ExposedPort) -> int:
    """Return the port of the node at which kube-proxy takes connections for a port of a Service."""
    return port.node_port or port.port


def published(port: int) -> str:
    """Return where a port is published: on this machine alone, under a free number where it is 0."""
    return f"127.0.0.1:{port or ''}"


def _labelled_version(container: ContainerFacts) -> str:
    """Return the Kubernetes version that a node's image is labelled with."""
    return container.labels.get(VERSION_LABEL, EMBEDDED_KUBERNETES)


def _mark(container: ContainerFacts) -> str:
    """Return the line that says which container a kubeconfig was made for."""
    return f"# Of container {container.id}"


def _is_ready(node: Mapping[str, dict[str, list[dict[str, str]]]], since: datetime) -> bool:
    conditions = {condition["type"]: condition for condition in node["status"].get("conditions", [])}
    ready = conditions.get("Ready")
    return (
        ready is not None
        and ready["status"] == "True"
        and datetime.fromisoformat(ready["lastHeartbeatTime"]) >= since.replace(microsecond=0)
    )


def _refuse_taken_ports(publish: tuple[tuple[int, int], ...]) -> None:
    taken = [port for port, _ in publish if port and not _is_free(port)]
    if taken:
        listed = ", ".join(map(str, taken))
        raise MachineError(
            f"Port {listed} of 127.0.0.1 is taken" if len(taken) == 1 else f"Ports {listed} of 127.0.0.1 are taken",
            why="The embedded cluster publishes its API server and its NodePorts there",
            fix=f"Stop what listens there (`ss -ltnp 'sport = :{taken[0]}'` names it), then run the same command again",
        )


def _is_free(port: int) -> bool:
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            return False
    return True
