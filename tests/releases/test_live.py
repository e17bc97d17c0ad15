"""What the cluster has now, looked up once for all who wait."""

from __future__ import annotations

import threading

import pytest

from dockyard.model.errors import ApiSilentError
from dockyard.model.lifecycle import DeploymentState
from dockyard.releases.live import FRESH, KINDS, View, look
from tests.fakes import FakeClock
from tests.releases.objects import (
    SERVES,
    asking,
    deployment,
    endpoint_slice,
    manifests,
    node,
    pod,
    replica_set,
    runs,
    service,
    unschedulable,
    warning,
)
from tests.releases.server import SILENT, Server


@pytest.fixture
def server() -> Server:
    """A namespace with a release that is Ready."""
    made = Server()
    made.hold(deployment(), replica_set(), pod("web-a", runs()), endpoint_slice("web", SERVES))
    made.hold(warning("web-a", "Unhealthy", "503"), {**warning("web-a", "Pulled", "ok"), "type": "Normal"})
    return made


def test_a_look_has_all_that_is_judged(server: Server) -> None:
    """Each kind is asked for once; of events only warnings."""
    seen = look(server)
    assert {entry["kind"] for entry in seen.objects} == {"Deployment", "ReplicaSet", "Pod", "EndpointSlice", "Event"}
    assert [entry["reason"] for entry in seen.objects if entry["kind"] == "Event"] == ["Unhealthy"]
    assert sorted(server.asked) == sorted([*(f"list {kind}" for kind in KINDS), "list Event type!=Normal"])
    assert seen.everywhere == ()


def test_a_look_is_judged_against_what_was_sent(server: Server) -> None:
    """Workloads and Services of the manifests, nothing else."""
    sent = manifests(deployment(), service(), {"kind": "ConfigMap", "metadata": {"name": "web"}})
    assert look(server).verdict(sent).state is DeploymentState.READY
    assert look(server).verdict(manifests(deployment("other"))).state is DeploymentState.PENDING


def test_room_is_looked_up_where_a_pod_has_none(server: Server) -> None:
    """Nodes, and the pods of every namespace, only then: both cost."""
    server.hold(pod("web-b", conditions=(unschedulable("no room"),), spec=asking("3")))
    server.hold(deployment(replicas=2, updatedReplicas=2, readyReplicas=1, availableReplicas=1))
    bare = {key: value for key, value in node().items() if key != "kind"}
    server.elsewhere = {"api/v1/nodes": {"items": [bare]}, "api/v1/pods": {"items": [pod("far", spec=asking("1"))]}}
    seen = look(server)
    assert server.asked[-2:] == ["GET api/v1/nodes", "GET api/v1/pods"]
    verdict = seen.verdict(manifests(deployment(replicas=2)))
    assert verdict.cause is not None
    assert verdict.cause.compared.startswith("asked: 3 cpu, 0 memory; node one has 2 cpu")


def test_a_look_is_shared_while_it_is_fresh(server: Server) -> None:
    """Three rollouts that ask several times a second are one to the API server."""
    clock = FakeClock()
    view = View(server, clock)
    first = view.look()
    clock.sleep(FRESH)
    assert view.look() is first
    clock.sleep(FRESH / 10)
    assert view.look() is not first


def test_what_was_seen_before_something_was_sent_does_not_count(server: Server) -> None:
    """Else a release would be Ready as it was before."""
    clock = FakeClock()
    view = View(server, clock)
    clock.sleep(5)
    first = view.look()
    clock.sleep(FRESH / 2)
    assert view.look(after=clock.now()) is not first
    later = view.look()
    assert view.look(after=clock.now()) is later


def test_threads_share_one_look(server: Server) -> None:
    """All at once: one asks, the others wait for its answer."""
    view = View(server, FakeClock())
    seen: list[object] = []
    threads = [threading.Thread(target=lambda: seen.append(view.look())) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(set(map(id, seen))) == 1
    assert len(server.asked) == len(KINDS) + 1


@pytest.mark.parametrize("at", range(len(KINDS) + 1))
def test_a_silent_server_is_told_and_asked_again(server: Server, at: int) -> None:
    """Whichever question it is that has no answer; half a look is none."""
    server.troubles = [*[None] * at, SILENT]
    view = View(server, FakeClock())
    with pytest.raises(ApiSilentError):
        view.look()
    assert view.look().verdict(manifests(deployment())).state is DeploymentState.READY
