"""Asking a release's Services from outside."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

import pytest

from dockyard.clusters.protocol import ExposedPort
from dockyard.model.errors import RolloutError
from dockyard.releases.services import ExposedService
from dockyard.releases.verify import ASK_AGAIN, LIMIT, PATIENCE, Served, Verification
from dockyard.tools.http import Answer
from tests.fakes import FakeClock, FakeCluster

PORT = ExposedPort(port=80, target="web", node_port=30080)
WEB = ExposedService(name="web", ports=(PORT,), has_selector=True)


class Getter:
    """Gives one answer after the other, the last again and again.

    Attributes:
        urls: What was asked.
    """

    def __init__(self, *statuses: int) -> None:
        self.urls: list[str] = []
        self._statuses = list(statuses)

    def __call__(self, url: str) -> Answer:
        """Answer."""
        self.urls.append(url)
        status = self._statuses.pop(0) if len(self._statuses) > 1 else self._statuses[0]
        return Answer(url, status, "" if status else "connection refused")


@dataclass
class World:
    """A verification and all that it needs.

    Attributes:
        get: What answers.
        clock: The clock.
        cluster: The cluster.
        told: What was told.
    """

    get: Getter = field(default_factory=lambda: Getter(200))
    clock: FakeClock = field(default_factory=FakeClock)
    cluster: FakeCluster = field(default_factory=FakeCluster)
    told: list[str] = field(default_factory=list)

    def __call__(self, *services: ExposedService, paths: Sequence[str] = ()) -> tuple[Served, ...]:
        """Verify Services."""
        return self.verify(lambda: services, paths)

    def verify(self, find: Callable[[], Sequence[ExposedService]], paths: Sequence[str] = ()) -> tuple[Served, ...]:
        """Verify what is found."""
        made = Verification(addressing=self.cluster, clock=self.clock, get=self.get, tell=self.told.append)
        return made.run(find, paths)


def test_every_path_of_every_service_is_asked() -> None:
    """The answers come back by Service, in the order of the paths."""
    world = World()
    api = ExposedService(name="api", ports=(ExposedPort(port=80, node_port=30081),), has_selector=True)
    served = world(WEB, api, paths=("/health", "/ready"))
    assert [entry.service for entry in served] == ["web", "api"]
    assert world.get.urls == [
        f"http://127.0.0.1:{port}{path}" for port in (30080, 30081) for path in ("/health", "/ready")
    ]
    assert served[0].url == "http://127.0.0.1:30080"
    assert [answer.url for answer in served[0].answers] == world.get.urls[:2]
    assert world.clock.now() == 0


def test_a_load_balancer_is_asked_as_well() -> None:
    """At its own address and port."""
    world = World()
    port = ExposedPort(port=8080, node_port=31234, load_balancer="172.18.0.2")
    world(ExposedService(name="shop", ports=(port,), has_selector=True), paths=("/",))
    assert world.get.urls == ["http://172.18.0.2:8080/"]


def test_a_release_without_paths_is_only_connected_to() -> None:
    """Its URL is still shown."""
    world = World()
    assert world(WEB) == (Served("web", "http://127.0.0.1:30080", ()),)
    assert (world.get.urls, world.clock.now()) == ([], 0)


@pytest.mark.parametrize("first", [0, 503, 404])
def test_a_path_may_need_a_moment(first: int) -> None:
    """kube-proxy programs a change after the pods are Ready; what answers with an error is asked less often."""
    world = World(Getter(first, first, 200))
    (served,) = world(WEB, paths=("/health",))
    assert [answer.status for answer in served.answers] == [200]
    assert (2 * ASK_AGAIN <= world.clock.now() < PATIENCE + 1) if first else (0 < world.clock.now() < 0.2)


@pytest.mark.parametrize(
    ("status", "said", "fix"),
    [
        (503, "was answered with 503", "`./inv logs` shows why"),
        (0, "was not answered: connection refused", "listen on targetPort web"),
    ],
)
def test_a_path_that_never_serves_fails(status: int, said: str, fix: str) -> None:
    """Pods that are Ready and do not serve are no deploy; the last answer says why."""
    world = World(Getter(status))
    with pytest.raises(RolloutError) as caught:
        world(WEB, paths=("/health",))
    assert caught.value.what == "Service web does not serve /health on port 80 (NodePort 30080)"
    assert caught.value.why == f"For 30 s GET http://127.0.0.1:30080/health {said}"
    assert fix in caught.value.fix
    assert LIMIT <= world.clock.now() < LIMIT + 1


def test_a_port_on_which_nobody_listens_fails() -> None:
    """The error names Service, port, what was seen and where a container should listen."""
    world = World()
    world.cluster.refusing = {80}
    with pytest.raises(RolloutError) as caught:
        world(WEB)
    assert caught.value.what == "Service web does not accept connections on port 80 (NodePort 30080)"
    assert caught.value.why == "For 30 s 127.0.0.1:30080: Connection refused"
    assert "listen on targetPort web, on all addresses" in caught.value.fix
    assert LIMIT <= world.clock.now() < LIMIT + 1


def test_a_long_wait_is_told_once() -> None:
    """A short one is the rule."""
    world = World()
    world.cluster.refusing = {80}
    world.clock.on_sleep = lambda: world.cluster.refusing.clear() if world.clock.now() > 2 * PATIENCE else None
    world(WEB)
    assert world.told == ["127.0.0.1:30080: Connection refused"]


@pytest.mark.parametrize("paths", [(), ("/health",)])
def test_every_port_of_a_service_must_accept_connections(paths: tuple[str, ...]) -> None:
    """Also beside one that answers requests."""
    world = World()
    other = ExposedPort(port=9000, target=9000, node_port=30090)
    world.cluster.refusing = {9000}
    with pytest.raises(RolloutError, match=r"on port 9000 \(NodePort 30090\)"):
        world(ExposedService(name="web", ports=(PORT, other), has_selector=True), paths=paths)


def test_an_answer_proves_more_than_a_connection() -> None:
    """Nobody connects to a port that answered."""
    world = World()
    world.cluster.refusing = {80}
    assert [answer.status for answer in world(WEB, paths=("/",))[0].answers] == [200]


def test_a_service_without_a_selector_may_lead_nowhere() -> None:
    """Its endpoints are somebody else's; paths are asked all the same."""
    world = World()
    world.cluster.refusing = {80}
    outside = ExposedService(name="outside", ports=(PORT,), has_selector=False)
    assert world(outside)[0].url == "http://127.0.0.1:30080"
    world(outside, paths=("/",))
    assert world.get.urls == ["http://127.0.0.1:30080/"]


def test_a_load_balancer_without_an_address_is_waited_for() -> None:
    """It has no NodePort, and what gives the address needs a moment."""
    world = World()

    def find() -> tuple[ExposedService, ...]:
        address = "172.18.0.2" if world.clock.now() > 1 else ""
        port = ExposedPort(port=80, load_balancer=address)
        return (ExposedService(name="shop", ports=(port,), has_selector=True),)

    assert [entry.url for entry in world.verify(find)] == ["http://172.18.0.2:80"]


def test_a_load_balancer_that_never_gets_an_address_fails() -> None:
    """Nobody would reach it."""
    with pytest.raises(RolloutError) as caught:
        World()(ExposedService(name="shop", ports=(ExposedPort(port=80),), has_selector=True))
    assert caught.value.what == "Service shop has no address outside the cluster"
    assert "allocateLoadBalancerNodePorts" in caught.value.fix
