"""Asking a release's services from outside."""

from __future__ import annotations

import pytest

from dockyard.model.errors import RolloutError
from dockyard.releases.verify import LIMIT, Served, node_ports, verify
from dockyard.tools.http import Answer
from tests.fakes import FakeClock, FakeCluster
from tests.releases.objects import manifests, service

WEB = manifests(service("web", node_port=30080))


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


def test_every_path_of_every_node_port_is_asked() -> None:
    """The answers come back by service, in the order of the paths."""
    get = Getter(200)
    both = manifests(service("web", node_port=30080), service("api", node_port=30081), service("inner"))
    served = verify(FakeCluster(), both, ("/health", "/ready"), clock=FakeClock(), get=get)
    assert [entry.service for entry in served] == ["web", "api"]
    assert get.urls == [f"http://127.0.0.1:{port}{path}" for port in (30080, 30081) for path in ("/health", "/ready")]
    assert served[0].url == "http://127.0.0.1:30080"
    assert [answer.url for answer in served[0].answers] == get.urls[:2]


def test_a_release_without_paths_is_only_located() -> None:
    """Its URL is still shown."""
    get = Getter(200)
    assert verify(FakeCluster(), WEB, (), clock=FakeClock(), get=get) == (Served("web", "http://127.0.0.1:30080", ()),)
    assert get.urls == []


@pytest.mark.parametrize("first", [0, 503, 404])
def test_a_path_may_need_a_moment(first: int) -> None:
    """kube-proxy programs a change some seconds after the pods are ready."""
    clock = FakeClock()
    (served,) = verify(FakeCluster(), WEB, ("/health",), clock=clock, get=Getter(first, first, 200))
    assert [answer.status for answer in served.answers] == [200]
    assert 0 < clock.now() < LIMIT


@pytest.mark.parametrize(
    ("status", "why"),
    [(503, "Within 30 s it answered 503"), (0, "Within 30 s there was no answer: connection refused")],
)
def test_a_path_that_never_serves_fails(status: int, why: str) -> None:
    """Pods that are Ready and do not serve are no deploy; the last answer says why."""
    clock = FakeClock()
    with pytest.raises(RolloutError) as caught:
        verify(FakeCluster(), WEB, ("/health",), clock=clock, get=Getter(status))
    assert caught.value.what == "http://127.0.0.1:30080/health does not serve"
    assert caught.value.why == why
    assert clock.now() >= LIMIT


def test_only_node_ports_are_reached_from_outside() -> None:
    """A ClusterIP Service has none, and neither has one without ports."""
    bare = {"kind": "Service", "metadata": {"name": "headless"}, "spec": {}}
    assert list(node_ports(manifests(service("web", node_port=30080), service("inner"), bare))) == [("web", 30080)]


def test_a_service_without_ports_has_no_node_port() -> None:
    """A chart may render an empty list as nothing."""
    bare = {"kind": "Service", "metadata": {"name": "db"}, "spec": {"type": "ExternalName", "ports": None}}
    assert list(node_ports(manifests(bare))) == []
