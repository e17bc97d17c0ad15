"""Relays, on an engine that is a stand-in."""

from __future__ import annotations

import pytest

from dockyard.clusters.embedded import NETWORK
from dockyard.clusters.relays import LISTENS, START_LIMIT, STOP_GRACE, Relays
from dockyard.model.errors import ClusterError
from dockyard.tools.docker import CLUSTER, KIND
from dockyard_node import relay
from tests.clusters.node import NAME, FakeEngine
from tests.fakes import FakeClock

RELAY = f"{NAME}-relay-31000"
IMAGE = "sha256:node"


@pytest.fixture
def engine() -> FakeEngine:
    """An engine without relays."""
    return FakeEngine()


@pytest.fixture
def clock() -> FakeClock:
    """A clock that nobody waits for."""
    return FakeClock()


@pytest.fixture
def relays(engine: FakeEngine, clock: FakeClock) -> Relays:
    """The relays of the node."""
    return Relays(engine, node=NAME, network=NETWORK, clock=clock)


def test_a_relay_is_created_when_its_address_is_asked_for(engine: FakeEngine, relays: Relays) -> None:
    """From the node's image, on its network, without any right, and published on this machine alone."""
    assert relays.address(31000, IMAGE) == "127.0.0.1:31000"
    assert engine.calls == [f"run {IMAGE} {RELAY}"]
    assert engine.options["command"] == ["-m", "dockyard_node.relay", NAME, "31000"]
    assert engine.options["labels"] == {KIND: "relay", CLUSTER: NAME}
    assert engine.options["publish"] == [("127.0.0.1:31000", 31000)]
    assert (engine.options["networks"], engine.options["cap_drop"]) == ([NETWORK], ["ALL"])


def test_a_relay_is_reused(engine: FakeEngine, relays: Relays) -> None:
    """By the next command; the same one does not even look."""
    engine.hold_relay(31000)
    assert [relays.address(31000, IMAGE) for _ in range(2)] == ["127.0.0.1:31000"] * 2
    assert engine.calls == []


def test_a_relay_that_stopped_is_started(engine: FakeEngine, relays: Relays) -> None:
    """Somebody stopped it, or the engine was started again."""
    engine.hold_relay(31000, running=False)
    assert relays.address(31000, IMAGE) == "127.0.0.1:31000"
    assert engine.calls == [f"start {RELAY}"]


def test_a_taken_port_is_replaced_by_any_other(engine: FakeEngine, relays: Relays) -> None:
    """What the engine made in vain is removed."""
    engine.taken = {"127.0.0.1:31000"}
    assert relays.address(31000, IMAGE) == "127.0.0.1:45678"
    assert engine.calls == [f"run {IMAGE} {RELAY}", f"remove {RELAY}", f"run {IMAGE} {RELAY}"]


def test_a_relay_whose_port_was_taken_meanwhile_is_created_anew(engine: FakeEngine, relays: Relays) -> None:
    """While it was stopped another program began to listen there."""
    engine.hold_relay(31000, running=False)
    engine.taken = {"127.0.0.1:31000"}
    assert relays.address(31000, IMAGE) == "127.0.0.1:45678"


def test_a_relay_from_an_older_node_is_replaced(engine: FakeEngine, relays: Relays) -> None:
    """The node was created anew from another image."""
    engine.hold_relay(31000, image="sha256:older")
    relays.address(31000, IMAGE)
    assert engine.calls == [f"remove {RELAY}", f"run {IMAGE} {RELAY}"]


def test_a_relay_that_another_process_creates_is_used(
    engine: FakeEngine, relays: Relays, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Two commands asked for the same address at the same moment."""
    create = engine.run_container

    def late(image: str, *, name: str, **options: object) -> None:
        engine.hold_relay(31000)
        create(image, name=name, **options)

    monkeypatch.setattr(engine, "run_container", late)
    assert relays.address(31000, IMAGE) == "127.0.0.1:31000"
    assert list(engine.relays) == [RELAY]


def test_a_relay_that_does_not_listen_is_an_error(engine: FakeEngine, relays: Relays, clock: FakeClock) -> None:
    """With where to look."""
    engine.said_by_relays = "Traceback"
    with pytest.raises(ClusterError) as caught:
        relays.address(31000, IMAGE)
    assert caught.value.what == "Port 31000 of the node cannot be reached from this machine"
    assert f"docker logs {RELAY}" in caught.value.fix
    assert START_LIMIT <= clock.now() < START_LIMIT + 1


def test_a_start_removes_what_cannot_start(engine: FakeEngine, relays: Relays) -> None:
    """It is created again, under another port, when its address is asked for."""
    engine.hold_relay(31000, running=False)
    engine.hold_relay(31001, running=False)
    engine.taken = {"127.0.0.1:31001"}
    relays.start()
    assert {name: relay.running for name, relay in engine.relays.items()} == {RELAY: True}


def test_a_stop_forgets_addresses(engine: FakeEngine, relays: Relays) -> None:
    """A port that the engine chose may be another one after the next start."""
    relays.address(31000, IMAGE)
    relays.stop()
    assert engine.calls[-1] == f"stop {RELAY} {STOP_GRACE}"
    relays.address(31000, IMAGE)
    assert engine.calls[-1] == f"start {RELAY}"


def test_relays_of_another_cluster_are_left_alone(engine: FakeEngine, clock: FakeClock) -> None:
    """They share the engine."""
    engine.hold_relay(31000)
    Relays(engine, node="other-node", network=NETWORK, clock=clock).remove()
    assert list(engine.relays) == [RELAY]


def test_a_removed_relay_is_created_again(engine: FakeEngine, relays: Relays) -> None:
    """Its NodePort came back."""
    relays.address(31000, IMAGE)
    relays.address(31001, IMAGE)
    relays.remove(keep={31001})
    engine.calls.clear()
    relays.address(31001, IMAGE)
    relays.address(31000, IMAGE)
    assert engine.calls == [f"run {IMAGE} {RELAY}"]


def test_both_sides_mean_the_same_line() -> None:
    """The one prints it, the other waits for it."""
    assert relay.LISTENS == LISTENS
