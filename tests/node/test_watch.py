"""Following the API server."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from urllib.parse import parse_qs, urlsplit

import pytest

from dockyard_node import watch
from dockyard_node.directory import SERVICES, Directory, Found

WEB = "web.default.svc.cluster.local"


class Stop(BaseException):
    """Ends what otherwise never ends; no `except Exception` catches it."""


class FakeApi:
    """An API server that has an answer for each request, in order.

    Attributes:
        answers: Lines, or what is raised instead.
        paths: What was asked for.
    """

    def __init__(self, *answers: Sequence[bytes] | Exception) -> None:
        self.answers = list(answers)
        self.paths: list[str] = []

    def lines(self, path: str, *, wait: float) -> Iterator[bytes]:
        """Yield the next answer's lines."""
        assert wait > 0
        self.paths.append(path)
        answer = self.answers.pop(0)
        if isinstance(answer, Exception):
            raise answer
        yield from answer


def service(address: str) -> dict[str, object]:
    """Return the service that all tests are about."""
    return {"metadata": {"name": "web", "namespace": "default"}, "spec": {"clusterIP": address}}


def listed(*items: object) -> list[bytes]:
    """Return a list, in two pieces as a network may bring it."""
    text = json.dumps({"metadata": {"resourceVersion": "41"}, "items": items}).encode()
    return [text[:10], text[10:]]


def event(kind: str, item: object) -> bytes:
    """Return one line of a watch."""
    return json.dumps({"type": kind, "object": item}).encode() + b"\n"


@pytest.fixture
def directory() -> Directory:
    """An empty directory."""
    return Directory("cluster.local")


def test_the_watch_begins_where_the_list_ends(directory: Directory) -> None:
    """Else a change between the two would be missed."""
    api = FakeApi(listed(service("10.97.0.1")), [])
    watch.follow(api, directory, SERVICES)
    assert directory.find(WEB) == Found(("10.97.0.1",))
    first, second = api.paths
    assert first == "/api/v1/services"
    assert urlsplit(second).path == "/api/v1/services"
    assert parse_qs(urlsplit(second).query)["resourceVersion"] == ["41"]


@pytest.mark.parametrize(
    ("events", "found"),
    [
        pytest.param([("ADDED", "10.97.0.2")], Found(("10.97.0.2",)), id="added"),
        pytest.param([("ADDED", "10.97.0.2"), ("MODIFIED", "10.97.0.3")], Found(("10.97.0.3",)), id="changed"),
        pytest.param([("ADDED", "10.97.0.2"), ("DELETED", "10.97.0.2")], None, id="deleted"),
        pytest.param([("BOOKMARK", "10.97.0.2")], None, id="a bookmark is no object"),
        pytest.param([("ERROR", ""), ("ADDED", "10.97.0.2")], None, id="nothing counts after an error"),
    ],
)
def test_events_change_the_directory(directory: Directory, events: list[tuple[str, str]], found: Found | None) -> None:
    """Each line of the watch counts as it comes."""
    lines = [event(kind, service(address)) for kind, address in events]
    watch.follow(FakeApi(listed(), lines), directory, SERVICES)
    assert directory.find(WEB) == found


def test_following_goes_on_whatever_happens(directory: Directory) -> None:
    """A server that is down, that is cut off, or talks nonsense: a pause, then a new list."""
    said: list[str] = []
    pauses: list[float] = []

    def sleep(seconds: float) -> None:
        pauses.append(seconds)
        if len(pauses) == 4:
            raise Stop

    api = FakeApi(
        ConnectionRefusedError("down"),
        listed(service("10.97.0.1")),
        ConnectionResetError("cut off"),
        [b"nonsense"],
        listed(service("10.97.0.9")),
        [],
        [b"{}"],
    )
    with pytest.raises(Stop):
        watch.follow_always(api, directory, SERVICES, said.append, sleep=sleep)
    assert directory.find(WEB) == Found(("10.97.0.9",))
    assert pauses == [watch.PAUSE] * 4
    assert [line.startswith("watch of services ended: ") for line in said] == [True] * 4
    assert "cut off" in said[1]
