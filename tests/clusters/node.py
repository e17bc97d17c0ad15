"""An engine with one node in it, and the node's API server: what the embedded cluster asks of them, no more."""

from __future__ import annotations

import hashlib
import io
import json
import tarfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any, cast

from dockyard.clusters.embedded import VERSION_LABEL, EmbeddedCluster, EmbeddedSettings
from dockyard.clusters.relays import LISTENS
from dockyard.model.errors import ApiSilentError, MachineError, ToolFailedError
from dockyard.model.events import Report
from dockyard.tools.docker import CLUSTER, KIND, QUICK, ContainerFacts
from dockyard.tools.kubernetes import Api, Object
from dockyard.tools.process import Completed
from dockyard.tools.target import Target
from tests.fakes import FakeClock, FakeDocker

if TYPE_CHECKING:
    import subprocess

NAME = "node-under-test"
ADMIN = "apiVersion: v1\nclusters:\n- cluster:\n    server: https://127.0.0.1:6443\n"
ADDRESS = "127.0.0.1:40123"
NODE_ADDRESS = "172.30.0.2"
"""The node's address on its network; nothing is there in a test."""


class FakeEngine(FakeDocker):
    """An engine that can hold one node.

    Attributes:
        calls: What it was asked to do.
        node: The node's container, or None.
        address: Where its API server is published from the next start on.
        asked: How often it was asked for the container.
        log: Its output, with the moment of each line.
        options: What the container was made with.
        relays: The containers beside the node.
        taken: Addresses of this machine that another program has.
        said_by_relays: The last line of output of each relay.
        table: What `ctr images list` shows: name to digest.
        content: Digests of the blobs in the node.
        keeps: Whether the node takes what it is sent.
        broken: Whether the engine does not answer.
    """

    def __init__(self) -> None:
        super().__init__()
        self.calls: list[str] = []
        self.node: ContainerFacts | None = None
        self.address = ADDRESS
        self.asked = 0
        self.log: list[tuple[datetime, str]] = []
        self.options: dict[str, Any] = {}
        self.relays: dict[str, ContainerFacts] = {}
        self.taken: set[str] = set()
        self.said_by_relays = f"{LISTENS} on 31000\n"
        self.table: dict[str, str] = {}
        self.content: list[str] = []
        self.keeps = True
        self.broken = False
        self.archive = b""

    def hold(self, *, running: bool = True, address: str = "", id_: str = "1", version: str = "") -> None:
        """Have a node."""
        labels = {KIND: "node", **({VERSION_LABEL: version} if version else {})}
        ports = {6443: (address or self.address,), 30080: ("127.0.0.1:40080",)}
        networks = {"dockyard": NODE_ADDRESS}
        self.node = ContainerFacts(NAME, "sha256:node", running, 0, labels, {}, ports, networks, id=id_)

    def hold_relay(self, port: int, *, running: bool = True, image: str = "sha256:node") -> None:
        """Have a relay of the node."""
        name = f"{NAME}-relay-{port}"
        labels = {KIND: "relay", CLUSTER: NAME}
        self.relays[name] = ContainerFacts(name, image, running, 0, labels, {}, {port: (f"127.0.0.1:{port}",)})

    def container(self, name: str) -> ContainerFacts | None:
        """Return the node, or a relay."""
        if self.broken:
            raise MachineError("The Docker engine does not answer")
        self.asked += name == NAME
        return self.node if name == NAME else self.relays.get(name)

    def containers_labelled(self, labels: Mapping[str, str]) -> tuple[str, ...]:
        """Return the relays with these labels."""
        return tuple(name for name, relay in self.relays.items() if labels.items() <= relay.labels.items())

    def run_container(self, image: str, *, name: str, **options: Any) -> None:  # noqa: ANN401 - the real one's signature
        """Make the node, or a relay; one whose port is taken is made and does not run."""
        self.calls.append(f"run {image} {name}")
        self.options = options
        if name == NAME:
            self.hold(id_="made")
            return
        ((address, port),) = options["publish"]
        if name in self.relays:
            raise ToolFailedError(
                ["docker", "run"], 125, f'The container name "/{name}" is already in use by container "1"'
            )
        running = address not in self.taken
        bound = {port: (f"{address}45678" if address.endswith(":") else address,)}
        self.relays[name] = ContainerFacts(name, image, running, 0, options["labels"], {}, bound if running else {})
        if not running:
            raise ToolFailedError(["docker", "run"], 125, "bind: address already in use")

    def start(self, name: str) -> None:
        """Start the node, or a relay whose port is free."""
        self.calls.append(f"start {name}")
        if name == NAME:
            self.hold()
            return
        relay = self.relays[name]
        if self.taken & {address for bound in relay.ports.values() for address in bound}:
            raise ToolFailedError(["docker", "start"], 1, "bind: address already in use")
        self.relays[name] = replace(relay, running=True)

    def stop(self, name: str, *, grace: int) -> None:
        """Stop the node, or a relay."""
        self.calls.append(f"stop {name} {grace}")
        if name in self.relays:
            self.relays[name] = replace(self.relays[name], running=False)
        elif self.node is not None:
            self.node = replace(self.node, running=False)

    def remove(self, name: str) -> None:
        """Remove the node, or a relay."""
        self.calls.append(f"remove {name}")
        if self.relays.pop(name, None) is None:
            self.node = None

    def logs(self, name: str, *, tail: int, since: datetime | None = None) -> str:
        """Return the last lines, of later moments where one is given."""
        if name in self.relays:
            return self.said_by_relays
        lines = [line for moment, line in self.log if since is None or moment >= since]
        return "".join(f"{line}\n" for line in lines[-tail:])

    def ensure_network(self, name: str) -> bool:
        """Make a network."""
        self.calls.append(f"network {name}")
        return True

    def remove_network(self, name: str) -> bool:
        """Remove a network."""
        self.calls.append(f"remove network {name}")
        return True

    def execute(
        self,
        name: str,  # noqa: ARG002 - there is one node
        argv: Sequence[str],
        *,
        timeout: float = QUICK,  # noqa: ARG002 - the real one's signature, here and below
        check: bool = True,  # noqa: ARG002
        stdin: str | None = None,  # noqa: ARG002
    ) -> Completed:
        """Answer as the node's programs would."""
        said = ""
        if argv[0] == "cat":
            said = ADMIN
        elif argv[-2:] == ["images", "list"]:
            rows = [f"{name} application/vnd.oci {digest} 1.0 MiB linux/amd64 -" for name, digest in self.table.items()]
            said = "\n".join(["REF TYPE DIGEST SIZE PLATFORMS LABELS", *rows])
        elif argv[-3:] == ["content", "list", "--quiet"]:
            said = "\n".join(self.content)
        self.calls.append(" ".join(argv))
        return Completed(tuple(argv), 0, said, "")

    @contextmanager
    def saving(self, reference: str) -> Iterator[subprocess.Popen[bytes]]:
        """Give the prepared archive."""
        self.calls.append(f"save {reference}")
        yield cast("subprocess.Popen[bytes]", SimpleNamespace(stdout=io.BytesIO(self.archive)))

    @contextmanager
    def feeding(self, name: str, argv: Sequence[str]) -> Iterator[subprocess.Popen[bytes]]:  # noqa: ARG002 - one node
        """Take an archive and hold the image that is in it."""
        stdin = io.BytesIO()
        yield cast("subprocess.Popen[bytes]", SimpleNamespace(stdin=stdin))
        if self.keeps:
            self.take(stdin.getvalue())

    def take(self, archive: bytes) -> None:
        """Show the image of an OCI layout as containerd does: by its name, and by its configuration's digest."""
        with tarfile.open(fileobj=io.BytesIO(archive)) as layout:
            files = {member.name: cast("io.BufferedReader", layout.extractfile(member)).read() for member in layout}
        (entry,) = json.loads(files["index.json"])["manifests"]
        manifest = json.loads(files[f"blobs/sha256/{entry['digest'].removeprefix('sha256:')}"])
        self.table[entry["annotations"]["io.containerd.image.name"]] = entry["digest"]
        self.table[manifest["config"]["digest"]] = entry["digest"]
        self.content += [f"sha256:{name.rpartition('/')[2]}" for name in files if name.startswith("blobs/")]


class FakeApi(Api):
    """The node's API server.

    Attributes:
        up: Whether it answers, look by look, the last again and again.
        heartbeat: The node's last one; None where there is no node yet.
        accounts: The ServiceAccounts there are.
        served: Its version.
        targets: Where it was asked for.
        routed: Where this machine reaches it besides.
        tried: Where it was looked for besides.
    """

    routed: set[str]
    tried: list[str]
    up: list[bool]
    heartbeat: datetime | None
    accounts: list[str]
    served = "v1.34.4"
    targets: list[Target]

    def __init__(self, target: Target) -> None:
        self.targets.append(target)

    @classmethod
    def reset(cls) -> None:
        """Answer at once, with a node that is Ready from now on."""
        cls.up, cls.heartbeat, cls.accounts = [True], datetime.now(UTC) + timedelta(hours=1), ["default"]
        cls.targets, cls.routed, cls.tried = [], set(), []

    def _look(self) -> bool:
        return self.up.pop(0) if len(self.up) > 1 else self.up[0]

    def answers_at(self, host: str, port: int) -> bool:
        """Answer there, if that address is routed."""
        self.tried.append(f"{host}:{port}")
        return f"{host}:{port}" in self.routed

    def ready(self) -> bool:
        """Answer."""
        return self._look()

    def ask(
        self,
        method: str,
        path: str,
        *,
        query: Mapping[str, str] | None = None,  # noqa: ARG002 - the real one's signature, here and below
        body: Object | None = None,  # noqa: ARG002
        content_type: str = "application/json",  # noqa: ARG002
    ) -> Object:
        """Return the version or the nodes."""
        assert (method, path) in {("GET", "api/v1/nodes"), ("GET", "version")}
        if not self._look():
            raise ApiSilentError(ADDRESS, "connection refused")
        if path == "version":
            return {"gitVersion": self.served}
        return {"items": [_node(self.heartbeat)] if self.heartbeat else []}

    def list(self, kind: str, *, labels: str = "", fields: str = "") -> tuple[Object, ...]:  # noqa: ARG002
        """Return the ServiceAccounts."""
        assert kind == "ServiceAccount"
        return tuple({"metadata": {"name": name}} for name in self.accounts)


def _node(heartbeat: datetime) -> dict[str, Any]:
    moment = heartbeat.strftime("%Y-%m-%dT%H:%M:%SZ")
    return {"status": {"conditions": [{"type": "Ready", "status": "True", "lastHeartbeatTime": moment}]}}


def saved(layer: bytes = b"layer") -> tuple[bytes, str]:
    """Return an archive as Docker 20.10 saves it, of an image with one layer, and the image's id."""
    config = json.dumps({"rootfs": {"type": "layers", "diff_ids": [f"sha256:{hashlib.sha256(layer).hexdigest()}"]}})
    digest = hashlib.sha256(config.encode()).hexdigest()
    manifest = json.dumps([{"Config": f"{digest}.json", "RepoTags": ["web:v1"], "Layers": ["one/layer.tar"]}])
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w") as archive:
        for name, content in (
            ("one/layer.tar", layer),
            (f"{digest}.json", config.encode()),
            ("manifest.json", manifest.encode()),
        ):
            member = tarfile.TarInfo(name)
            member.size = len(content)
            archive.addfile(member, io.BytesIO(content))
    return out.getvalue(), f"sha256:{digest}"


def cluster(engine: FakeEngine, folder: Path, *, clock: FakeClock | None = None, **settings: Any) -> EmbeddedCluster:  # noqa: ANN401 - the settings' own
    """Return the cluster under test; no port of this machine is taken unless one is given."""

    def node_image(_report: Report) -> str:
        engine.calls.append("image")
        return "node:v1"

    return EmbeddedCluster(
        engine,
        EmbeddedSettings(**{"folder": folder, "name": NAME, "api_port": 0, "publish_from": 0, **settings}),
        node_image=node_image,
        clock=clock or FakeClock(),
        api=FakeApi,
    )
