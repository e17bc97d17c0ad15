"""The embedded cluster, on an engine that is a stand-in."""

from __future__ import annotations

import os
import socket
import stat
from collections.abc import Mapping
from contextlib import ExitStack, suppress
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from dockyard.clusters import embedded
from dockyard.clusters.embedded import CONTEXT, START_LIMIT, STOP_GRACE
from dockyard.clusters.protocol import ExposedPort
from dockyard.model.cluster import EMBEDDED_ADDONS, EMBEDDED_KUBERNETES
from dockyard.model.errors import ClusterError, MachineError
from dockyard.tools.docker import KIND, ImageFacts
from dockyard.tools.tcp import PROXY_SETTLE
from tests.clusters.node import ADDRESS, NAME, NODE_ADDRESS, FakeApi, FakeEngine, cluster, saved
from tests.fakes import FakeClock, Recorder

PUBLISHED = ExposedPort(port=80, node_port=30080)


@pytest.fixture
def engine() -> FakeEngine:
    """An engine without a node, and an API server that answers."""
    FakeApi.reset()
    return FakeEngine()


def test_absent_running_and_stopped_are_told(engine: FakeEngine, tmp_path: Path) -> None:
    """A cluster that is not there is None, not a state."""
    node = cluster(engine, tmp_path)
    assert node.status() is None
    engine.hold()
    facts = node.status()
    assert facts is not None
    assert (facts.status, facts.ip, facts.driver) == ("Running", "127.0.0.1", "docker")
    assert facts.addons == EMBEDDED_ADDONS
    engine.hold(running=False)
    facts = node.status()
    assert facts is not None
    assert facts.status == "Stopped"


def test_the_version_is_that_of_the_api_server(engine: FakeEngine, tmp_path: Path) -> None:
    """While it answers; else that of the node's image, since a start runs the same node again."""
    node = cluster(engine, tmp_path)
    engine.hold(version="v1.36.9")
    assert node.kubernetes_version() == FakeApi.served == "v1.34.4"
    FakeApi.up = [False]
    assert node.kubernetes_version() == "v1.36.9"
    engine.hold(running=False, version="v1.36.9")
    assert node.kubernetes_version() == "v1.36.9"


def test_without_a_node_the_version_is_that_of_the_next_start(engine: FakeEngine, tmp_path: Path) -> None:
    """Without a Docker engine too: checks need none."""
    node = cluster(engine, tmp_path)
    assert node.kubernetes_version() == EMBEDDED_KUBERNETES
    engine.hold(version="")
    engine.broken = True
    assert node.kubernetes_version() == EMBEDDED_KUBERNETES


def test_a_first_start_makes_the_node(engine: FakeEngine, tmp_path: Path) -> None:
    """Image, network, container, in this order, and then its API server is asked."""
    report = Recorder()
    cluster(engine, tmp_path).start(report)
    assert engine.calls[:3] == ["image", "network dockyard", f"run node:v1 {NAME}"]
    assert report.lasting == [("cluster", "Starting"), ("cluster", "Ready")]


def test_everything_is_published_on_this_machine_alone(engine: FakeEngine, tmp_path: Path) -> None:
    """A laptop in a café offers nothing to the café."""
    cluster(engine, tmp_path, node_ports=(30080, 30081)).start(Recorder())
    assert engine.options["publish"] == [("127.0.0.1:", 6443), ("127.0.0.1:", 30080), ("127.0.0.1:", 30081)]
    assert engine.options["labels"] == {KIND: "node"}


def test_node_ports_are_published_under_their_own_numbers(engine: FakeEngine, tmp_path: Path) -> None:
    """So that a URL can be written down."""
    first = free_ports(3)
    cluster(engine, tmp_path, api_port=first, publish_from=first + 1, node_ports=(30080, 30081)).start(Recorder())
    assert engine.options["publish"] == [
        (f"127.0.0.1:{first}", 6443),
        (f"127.0.0.1:{first + 1}", 30080),
        (f"127.0.0.1:{first + 2}", 30081),
    ]


def free_ports(count: int) -> int:
    """Return the first of some ports in a row that nobody has."""
    for first in range(41000, 60000, count):
        with suppress(OSError), ExitStack() as stack:
            for port in range(first, first + count):
                stack.enter_context(socket.create_server(("127.0.0.1", port)))
            return first
    raise AssertionError(count)


def test_a_running_cluster_is_left_alone(engine: FakeEngine, tmp_path: Path) -> None:
    """A second start does nothing and says so."""
    engine.hold()
    report = Recorder()
    cluster(engine, tmp_path).start(report)
    assert [event.text for event in report.events] == [f"{NAME} is running already"]
    assert engine.calls == ["cat /etc/kubernetes/admin.conf"]


def test_a_stopped_cluster_is_started_as_it_is(engine: FakeEngine, tmp_path: Path) -> None:
    """No new container: its state is in the old one."""
    engine.hold(running=False)
    cluster(engine, tmp_path).start(Recorder())
    assert engine.calls[0] == f"start {NAME}"
    assert not any(call.startswith("run") for call in engine.calls)


def test_a_node_that_hangs_is_waited_for(engine: FakeEngine, tmp_path: Path) -> None:
    """It runs, and its API server does not answer yet."""
    engine.hold()
    FakeApi.up = [False, False, True]
    report, clock = Recorder(), FakeClock()
    cluster(engine, tmp_path, clock=clock).start(report)
    assert report.passing == ["waiting for the API server"]
    assert clock.now() > 0


@pytest.mark.parametrize("running", [None, False], ids=["new", "stopped"])
def test_a_taken_port_is_told_before_anything_is_done(
    engine: FakeEngine, tmp_path: Path, *, running: bool | None
) -> None:
    """With how to find out who has it; nothing is half done."""
    if running is not None:
        engine.hold(running=running)
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        with pytest.raises(MachineError) as caught:
            cluster(engine, tmp_path, api_port=port).start(Recorder())
    assert caught.value.what == f"Port {port} of 127.0.0.1 is taken"
    assert f"ss -ltnp 'sport = :{port}'" in caught.value.fix
    assert set(engine.calls) <= {"image"}


def test_several_taken_ports_are_all_named(engine: FakeEngine, tmp_path: Path) -> None:
    """One run of the command for one list, not one for each."""
    with socket.create_server(("127.0.0.1", 0)) as one, socket.create_server(("127.0.0.1", 0)) as other:
        ports = one.getsockname()[1], other.getsockname()[1]
        with pytest.raises(MachineError) as caught:
            cluster(engine, tmp_path, api_port=ports[0], publish_from=ports[1], node_ports=(30080, 30080)).start(
                Recorder()
            )
    assert caught.value.what == f"Ports {ports[0]}, {ports[1]} of 127.0.0.1 are taken"


def test_a_component_that_does_not_start_is_named_with_the_log(engine: FakeEngine, tmp_path: Path) -> None:
    """The node's init says which; the last lines say why."""
    engine.log = [
        (datetime.now(UTC) + timedelta(hours=1), "dockyard-node: failed etcd (3 times in a row, the last: status 1)"),
        (datetime.now(UTC) + timedelta(hours=1), "  panic: no space left"),
        (datetime.now(UTC) + timedelta(hours=1), "dockyard-node: containerd ready 0.40"),
    ]
    FakeApi.up = [False]
    clock = FakeClock()
    with pytest.raises(ClusterError) as caught:
        cluster(engine, tmp_path, clock=clock).start(Recorder())
    assert caught.value.what == "The cluster's component etcd does not start"
    assert caught.value.why == "its last log lines:\n  panic: no space left\n"
    assert "cluster.delete cluster.start" in caught.value.fix
    assert clock.now() == 0


def test_a_node_of_another_kubernetes_version_is_refused_with_the_command_that_replaces_it(
    engine: FakeEngine, tmp_path: Path
) -> None:
    """Nothing is done to it: its data may be wanted."""
    engine.hold(version="v1.20.2")
    with pytest.raises(ClusterError) as raised:
        cluster(engine, tmp_path).start(Recorder())
    assert f"runs Kubernetes v1.20.2, this Dockyard needs {EMBEDDED_KUBERNETES}" in str(raised.value)
    assert "cluster.delete deploy" in str(raised.value)
    assert engine.calls == []


@pytest.mark.parametrize("component", ["containerd", "images"])
def test_damaged_data_of_containerd_are_removed_once(engine: FakeEngine, tmp_path: Path, component: str) -> None:
    """Images and containers can be made again; a second failure is the user's to know."""
    broken = f"dockyard-node: failed {component} (3 times in a row, the last: status 1)"
    engine.log = [(datetime.now(UTC) + timedelta(hours=1), broken)]
    report = Recorder()
    with pytest.raises(ClusterError, match=f"component {component} does not start"):
        cluster(engine, tmp_path).start(report)
    repairs = [call for call in engine.calls if call.startswith(("find", "stop", "start"))]
    assert repairs == [
        "find /var/lib/containerd -mindepth 1 -delete",
        f"stop {NAME} {STOP_GRACE}",
        f"start {NAME}",
    ]
    assert ("cluster", "Repairing") in report.lasting


def test_a_failure_of_an_earlier_start_is_over(engine: FakeEngine, tmp_path: Path) -> None:
    """The container's log is one for all of its starts."""
    engine.hold(running=False)
    engine.log = [(datetime.now(UTC) - timedelta(hours=1), "dockyard-node: failed etcd (3 times in a row)")]
    report = Recorder()
    cluster(engine, tmp_path).start(report)
    assert report.lasting[-1] == ("cluster", "Ready")


def test_a_node_that_ends_while_it_starts_is_told(engine: FakeEngine, tmp_path: Path) -> None:
    """At once: nobody waits two minutes for what has ended."""
    FakeApi.up = [False]

    class Ending(FakeClock):
        def sleep(self, seconds: float) -> None:
            super().sleep(seconds)
            engine.hold(running=False)

    clock = Ending()
    with pytest.raises(ClusterError, match=r"The node's container ended while it started"):
        cluster(engine, tmp_path, clock=clock).start(Recorder())
    assert clock.now() < 1


NOT_YET = {
    "no API server": ([False], datetime(2020, 1, 1, tzinfo=UTC), ["default"], "the API server"),
    "no node": ([True], None, ["default"], "the node"),
    "a heartbeat of the start before": ([True], datetime(2020, 1, 1, tzinfo=UTC), ["default"], "the node"),
    "no ServiceAccount": ([True], datetime(2099, 1, 1, tzinfo=UTC), [], "the default ServiceAccount"),
}


@pytest.mark.parametrize(("up", "heartbeat", "accounts", "missing"), NOT_YET.values(), ids=NOT_YET)
def test_what_is_missing_at_the_limit_is_named(  # noqa: PLR0913, PLR0917 - two fixtures and the table's columns
    engine: FakeEngine,
    tmp_path: Path,
    up: list[bool],
    heartbeat: datetime | None,
    accounts: list[str],
    missing: str,
) -> None:
    """A node that was Ready before a stop is shown as Ready after it, and pods need the default ServiceAccount."""
    FakeApi.up, FakeApi.heartbeat, FakeApi.accounts = up, heartbeat, accounts
    engine.hold(running=False)
    clock, report = FakeClock(), Recorder()
    with pytest.raises(ClusterError) as caught:
        cluster(engine, tmp_path, clock=clock).start(report)
    assert caught.value.what == f"The node was not Ready within {START_LIMIT:g} s: {missing} is missing"
    assert set(report.passing) == {f"waiting for {missing}"}
    assert START_LIMIT <= clock.now() < START_LIMIT + 1


def test_a_stop_gives_the_node_time(engine: FakeEngine, tmp_path: Path) -> None:
    """Its components end in order."""
    engine.hold()
    report = Recorder()
    cluster(engine, tmp_path).stop(report)
    assert engine.calls == [f"stop {NAME} {STOP_GRACE}"]
    assert report.lasting == [("cluster", "Stopped")]


@pytest.mark.parametrize("there", [True, False], ids=["stopped", "absent"])
def test_a_stop_of_what_does_not_run_does_nothing(engine: FakeEngine, tmp_path: Path, *, there: bool) -> None:
    """And is no mistake."""
    if there:
        engine.hold(running=False)
    cluster(engine, tmp_path).stop(Recorder())
    assert engine.calls == []


def test_a_delete_leaves_nothing(engine: FakeEngine, tmp_path: Path) -> None:
    """Container, state, kubeconfig and network."""
    engine.hold()
    node = cluster(engine, tmp_path)
    node.target("default")
    engine.calls.clear()
    node.delete(Recorder())
    assert engine.calls == [f"remove {NAME}", "remove network dockyard"]
    assert list(tmp_path.iterdir()) == []


def test_a_delete_of_nothing_is_no_mistake(engine: FakeEngine, tmp_path: Path) -> None:
    """It says that there was nothing."""
    report = Recorder()
    cluster(engine, tmp_path).delete(report)
    assert report.lasting == [("cluster", "Absent")]
    assert engine.calls == ["remove network dockyard"]


def test_the_kubeconfig_is_its_own(engine: FakeEngine, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The user's is neither read nor written; the file is the owner's alone, and leads to the published port."""
    users = tmp_path / "home" / ".kube" / "config"
    users.parent.mkdir(parents=True)
    users.write_text("mine", encoding="utf-8")
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    monkeypatch.setenv("KUBECONFIG", str(users))
    engine.hold()
    mask = os.umask(0)
    try:
        target = cluster(engine, tmp_path / "clusters").target("todo")
    finally:
        os.umask(mask)
    assert (target.context, target.namespace) == (CONTEXT, "todo")
    assert target.kubeconfig == tmp_path / "clusters" / f"{NAME}.kubeconfig"
    assert stat.S_IMODE(target.kubeconfig.stat().st_mode) == 0o600
    assert f"server: https://{ADDRESS}\n" in target.kubeconfig.read_text(encoding="utf-8")
    assert users.read_text(encoding="utf-8") == "mine"


def test_the_kubeconfig_is_written_once(engine: FakeEngine, tmp_path: Path) -> None:
    """Every command asks for it."""
    engine.hold()
    node = cluster(engine, tmp_path)
    node.target("default")
    node.target("default")
    assert engine.calls.count("cat /etc/kubernetes/admin.conf") == 1


def test_the_kubeconfig_follows_the_port(engine: FakeEngine, tmp_path: Path) -> None:
    """A free port is another one after each start."""
    engine.hold()
    cluster(engine, tmp_path).target("default")
    engine.hold(address="127.0.0.1:49999")
    text = cluster(engine, tmp_path).target("default").kubeconfig.read_text(encoding="utf-8")
    assert "https://127.0.0.1:49999" in text
    assert ADDRESS not in text


def test_the_kubeconfig_follows_the_container(engine: FakeEngine, tmp_path: Path) -> None:
    """Another checkout made the node anew: same name, same address, other certificates."""
    engine.hold()
    cluster(engine, tmp_path).target("default")
    engine.hold(id_="another")
    node = cluster(engine, tmp_path)
    assert "# Of container another\n" in node.target("default").kubeconfig.read_text(encoding="utf-8")
    assert engine.calls.count("cat /etc/kubernetes/admin.conf") == 2


def test_one_command_asks_for_the_container_once(engine: FakeEngine, tmp_path: Path) -> None:
    """A question to the engine costs more than one to the cluster; addresses are known by then, too."""
    engine.hold()
    node, asked = cluster(engine, tmp_path), engine.asked
    for namespace in ("default", "todo"):
        assert node.target(namespace).namespace == namespace
        assert node.address(PUBLISHED) == "127.0.0.1:40080"
    assert engine.asked == asked + 1


@pytest.mark.parametrize("change", ["stop", "delete"])
def test_what_was_known_is_forgotten_with_its_container(engine: FakeEngine, tmp_path: Path, change: str) -> None:
    """Else Helm would be sent to a node that is not there."""
    engine.hold()
    node = cluster(engine, tmp_path)
    node.target("default")
    getattr(node, change)(Recorder())
    with pytest.raises(ClusterError, match=r"Run `\./inv cluster\.start`"):
        node.target("default")


def test_a_start_learns_the_address_anew(engine: FakeEngine, tmp_path: Path) -> None:
    """The same object stops and starts the node: its port may be another one then."""
    engine.hold()
    node = cluster(engine, tmp_path)
    node.target("default")
    node.stop(Recorder())
    engine.address = "127.0.0.1:49999"
    node.start(Recorder())
    assert "https://127.0.0.1:49999" in node.target("default").kubeconfig.read_text(encoding="utf-8")
    assert FakeApi.targets[-1].context == CONTEXT


def test_the_kubeconfig_of_a_removed_node_is_not_used_for_the_next(engine: FakeEngine, tmp_path: Path) -> None:
    """Somebody ran `docker rm`: the port is the same, the certificates are not."""
    engine.hold()
    node = cluster(engine, tmp_path)
    old = node.target("default").kubeconfig
    old.write_text(old.read_text(encoding="utf-8") + "certificate: old\n", encoding="utf-8")
    engine.node = None
    node.start(Recorder())
    assert "old" not in node.target("default").kubeconfig.read_text(encoding="utf-8")


@pytest.mark.parametrize(("there", "said"), [(False, "not there"), (True, "stopped")])
def test_a_cluster_that_does_not_run_is_told(engine: FakeEngine, tmp_path: Path, *, there: bool, said: str) -> None:
    """With the command that starts it."""
    if there:
        engine.hold(running=False)
    node = cluster(engine, tmp_path)
    for ask in (partial(node.target, "default"), partial(node.address, PUBLISHED)):
        with pytest.raises(ClusterError) as caught:
            ask()
        assert str(caught.value) == f"The cluster {NAME} is {said}. Run `./inv cluster.start`."


def test_a_node_port_is_where_it_was_published(engine: FakeEngine, tmp_path: Path) -> None:
    """Whatever number the engine chose; nothing else is tried."""
    engine.hold()
    assert cluster(engine, tmp_path).address(PUBLISHED) == "127.0.0.1:40080"
    assert FakeApi.tried == []


def test_another_node_port_is_at_the_node_where_this_machine_routes_to_it(engine: FakeEngine, tmp_path: Path) -> None:
    """One command finds out once."""
    engine.hold()
    FakeApi.routed = {f"{NODE_ADDRESS}:6443"}
    node = cluster(engine, tmp_path)
    assert [node.address(ExposedPort(port=80, node_port=port)) for port in (31000, 32767)] == [
        f"{NODE_ADDRESS}:31000",
        f"{NODE_ADDRESS}:32767",
    ]
    assert (FakeApi.tried, engine.relays) == ([f"{NODE_ADDRESS}:6443"], {})


def test_another_node_port_is_at_a_relay_where_this_machine_does_not_route(engine: FakeEngine, tmp_path: Path) -> None:
    """As on macOS and Windows, where the engine runs in a virtual machine."""
    engine.hold()
    assert cluster(engine, tmp_path).address(ExposedPort(port=80, node_port=31000)) == "127.0.0.1:31000"
    assert list(engine.relays) == [f"{NAME}-relay-31000"]


LOAD_BALANCED = {
    "routed": (True, {"port": 80, "node_port": 31000, "load_balancer": NODE_ADDRESS}, f"{NODE_ADDRESS}:80"),
    "not routed": (False, {"port": 80, "node_port": 31000, "load_balancer": NODE_ADDRESS}, "127.0.0.1:31000"),
    "published": (False, {"port": 80, "node_port": 30080, "load_balancer": NODE_ADDRESS}, "127.0.0.1:40080"),
    "pending": (True, {"port": 80, "node_port": 31000}, f"{NODE_ADDRESS}:31000"),
    "without a NodePort": (False, {"port": 8080, "load_balancer": NODE_ADDRESS}, "127.0.0.1:8080"),
    "of another kind": (True, {"port": 80, "node_port": 31000, "load_balancer": "192.0.2.1"}, f"{NODE_ADDRESS}:31000"),
}


@pytest.mark.parametrize(("routed", "port", "address"), LOAD_BALANCED.values(), ids=LOAD_BALANCED)
def test_a_load_balancer_is_at_an_address_that_this_machine_reaches(
    engine: FakeEngine, tmp_path: Path, *, routed: bool, port: Mapping[str, Any], address: str
) -> None:
    """Its own where this machine routes to the node, else its NodePort."""
    engine.hold()
    FakeApi.routed = {f"{NODE_ADDRESS}:6443"} if routed else set()
    assert cluster(engine, tmp_path).address(ExposedPort(**port)) == address


def test_a_connection_goes_to_the_node_itself_where_this_machine_routes_to_it(
    engine: FakeEngine, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What Docker publishes takes every connection, also one that it cannot forward."""
    tried: list[tuple[str, float]] = []
    monkeypatch.setattr(embedded, "connection_error", lambda address, *, settle=0: tried.append((address, settle)))
    engine.hold()
    cluster(engine, tmp_path).connection_error(PUBLISHED)
    FakeApi.routed = {f"{NODE_ADDRESS}:6443"}
    cluster(engine, tmp_path).connection_error(PUBLISHED)
    assert tried == [("127.0.0.1:40080", PROXY_SETTLE), (f"{NODE_ADDRESS}:30080", 0)]


def test_relays_stop_start_and_go_with_the_node(engine: FakeEngine, tmp_path: Path) -> None:
    """Their URLs stay valid over a stop and a start."""
    engine.hold()
    engine.hold_relay(31000)
    node = cluster(engine, tmp_path)
    node.stop(Recorder())
    assert not engine.relays[f"{NAME}-relay-31000"].running
    node.start(Recorder())
    assert engine.relays[f"{NAME}-relay-31000"].running
    node.delete(Recorder())
    assert engine.relays == {}
    assert engine.calls[-1] == "remove network dockyard"


def test_relays_of_ports_that_no_longer_exist_are_removed(engine: FakeEngine, tmp_path: Path) -> None:
    """A load balancer's without a NodePort is known by the Service's port."""
    engine.hold()
    for port in (31000, 31001, 8080):
        engine.hold_relay(port)
    keep = [ExposedPort(port=80, node_port=31001), ExposedPort(port=8080, load_balancer=NODE_ADDRESS)]
    cluster(engine, tmp_path).release_addresses(keep=keep)
    assert list(engine.relays) == [f"{NAME}-relay-31001", f"{NAME}-relay-8080"]


def test_images_are_named_as_docker_names_them(engine: FakeEngine, tmp_path: Path) -> None:
    """With the id of the configuration, by which containerd names the same target once more; others are left out."""
    engine.table = {
        "docker.io/library/web:v1": "sha256:manifest",
        "sha256:config": "sha256:manifest",
        "registry.k8s.io/pause:3.9": "sha256:pause-manifest",
    }
    assert cluster(engine, tmp_path).images() == {"web:v1": "sha256:config"}


def test_a_load_sends_what_the_node_lacks(engine: FakeEngine, tmp_path: Path) -> None:
    """And looks afterwards whether it has arrived."""
    engine.archive, digest = saved()
    engine.held["web:v1"] = ImageFacts(digest, ("web:v1",), 5, ())
    loaded = cluster(engine, tmp_path).load("web:v1", Recorder())
    assert (loaded.reference, loaded.id) == ("web:v1", digest)
    assert loaded.sent > 0
    assert engine.table["docker.io/library/web:v1"] == engine.table[digest]


def test_a_second_load_sends_nothing(engine: FakeEngine, tmp_path: Path) -> None:
    """Not even what the image is made of is read."""
    engine.archive, digest = saved()
    engine.held["web:v1"] = ImageFacts(digest, ("web:v1",), 5, ())
    node = cluster(engine, tmp_path)
    node.load("web:v1", Recorder())
    assert node.load("web:v1", Recorder()).sent == 0
    assert engine.calls.count("save web:v1") == 1


def test_an_image_that_did_not_arrive_is_told(engine: FakeEngine, tmp_path: Path) -> None:
    """The pods would run another one under the same name."""
    engine.archive, digest = saved()
    engine.held["web:v1"] = ImageFacts(digest, ("web:v1",), 5, ())
    engine.table = {"docker.io/library/web:v1": "sha256:m", "sha256:old": "sha256:m"}
    engine.keeps = False
    with pytest.raises(ClusterError, match=r"It has sha256:old, sha256:[0-9a-f]{64} was sent"):
        cluster(engine, tmp_path).load("web:v1", Recorder())


def test_an_image_that_the_engine_lacks_is_told(engine: FakeEngine, tmp_path: Path) -> None:
    """Nothing is sent."""
    with pytest.raises(ClusterError, match=r"The image web:v1 is not in the Docker engine\. Run `\./inv build`\."):
        cluster(engine, tmp_path).load("web:v1", Recorder())
    assert engine.calls == []


def test_images_are_removed_by_their_full_names(engine: FakeEngine, tmp_path: Path) -> None:
    """One call for all, none for none."""
    node = cluster(engine, tmp_path)
    node.remove_images(())
    node.remove_images(("web:v1", "web:v2"))
    assert [call for call in engine.calls if "remove" in call] == [
        "ctr --namespace k8s.io images remove --sync docker.io/library/web:v1 docker.io/library/web:v2"
    ]


def test_the_digest_of_an_image_goes_with_its_last_name(engine: FakeEngine, tmp_path: Path) -> None:
    """Else containerd keeps its layers for ever; an image that has another name stays."""
    engine.table = {
        "docker.io/library/web:v1": "sha256:m1",
        "sha256:one": "sha256:m1",
        "docker.io/library/web:v2": "sha256:m2",
        "docker.io/library/web:stable": "sha256:m2",
        "sha256:two": "sha256:m2",
    }
    cluster(engine, tmp_path).remove_images(("web:v1", "web:v2"))
    assert engine.calls[-1].endswith("--sync docker.io/library/web:v1 docker.io/library/web:v2 sha256:one")
