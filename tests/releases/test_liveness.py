"""A liveness probe that never passes, known before the kubelet asks."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import pytest

from dockyard.model.diagnosis import CauseKind
from dockyard.releases.causes import Object
from dockyard.releases.liveness import Question, await_alive
from tests.fakes import FakeClock
from tests.releases.objects import pod

GRACE = 5.0
LIVE: Object = {"httpGet": {"path": "/live", "port": 8000}}
READY: Object = {"httpGet": {"path": "/ready", "port": 8000}}


def probed(live: Object | None, ready: Object | None = READY, *, name: str = "web-a") -> Object:
    """Return a pod of one container with these probes."""
    probes = {key: probe for key, probe in (("livenessProbe", live), ("readinessProbe", ready)) if probe}
    return pod(name, spec={"containers": [{"name": "app", "ports": [{"name": "web", "containerPort": 80}], **probes}]})


class Pods:
    """Pods that answer.

    Attributes:
        asked: Pod, port, path and scheme of each question.
    """

    def __init__(self, answers: Mapping[str, Sequence[int | None]]) -> None:
        self._answers = {path: list(given) for path, given in answers.items()}
        self.asked: list[tuple[str, int, str, str]] = []

    def status_of(self, pod: str, port: int, path: str, *, scheme: str) -> int | None:
        """Give the next answer of a path; the last one for ever."""
        self.asked.append((pod, port, path, scheme))
        left = self._answers[path]
        return left.pop(0) if left[1:] else left[0]


def never_told(text: str) -> None:
    """Nothing is waited for."""
    raise AssertionError(text)


@pytest.mark.parametrize("status", [200, 204, 301, 399])
def test_what_the_kubelet_takes_for_success_is_one(status: int) -> None:
    """From 200 to 399; it is asked once."""
    api = Pods({"/live": [status]})
    assert await_alive(api, [probed(LIVE)], clock=FakeClock(), grace=GRACE, tell=never_told) is None
    assert api.asked == [("web-a", 8000, "/live", "http")]


@pytest.mark.parametrize("status", [400, 404, 500, 503, 199])
def test_a_probe_that_fails_throughout_its_grace_is_a_cause(status: int) -> None:
    """With the container, the question, the answer, and what to do; what is waited for is told once."""
    told: list[str] = []
    clock = FakeClock()
    api = Pods({"/live": [status], "/ready": [200]})
    found = await_alive(api, [probed(None, name="web-b"), probed(LIVE)], clock=clock, grace=GRACE, tell=told.append)
    assert found is not None
    assert (found.kind, found.pod, found.container) == (CauseKind.PROBE, "web-a", "app")
    assert f"GET /live on port 8000 is answered with {status}" in found.sentence
    assert "livenessProbe" in found.fix
    assert told == [f"liveness: GET /live on port 8000 is answered with {status}; it has 5 s to pass"]
    assert clock.now() >= GRACE


def test_the_probe_of_a_sidecar_is_asked_too() -> None:
    """An init container that ends has no probes."""
    sidecar = {"name": "proxy", "restartPolicy": "Always", "livenessProbe": LIVE, "readinessProbe": READY}
    spec = {"containers": [{"name": "app"}], "initContainers": [{"name": "migrate"}, sidecar]}
    api = Pods({"/live": [404], "/ready": [200]})
    found = await_alive(api, [pod(spec=spec)], clock=FakeClock(), grace=GRACE, tell=lambda _: None)
    assert found is not None
    assert found.container == "proxy"


def test_a_probe_that_passes_within_its_grace_is_none() -> None:
    """A program may become well a moment after it is ready."""
    told: list[str] = []
    api = Pods({"/live": [503, 200], "/ready": [200]})
    clock = FakeClock()
    assert await_alive(api, [probed(LIVE)], clock=clock, grace=GRACE, tell=told.append) is None
    assert (len(told), clock.now() < GRACE) == (1, True)


@pytest.mark.parametrize("ready", [404, 421, 503, None])
def test_a_pod_that_takes_us_for_somebody_else_proves_nothing(ready: int | None) -> None:
    """The kubelet was content with readiness; where we are not answered like it, liveness is not judged either."""
    api = Pods({"/live": [404], "/ready": [ready]})
    assert await_alive(api, [probed(LIVE)], clock=FakeClock(), grace=GRACE, tell=never_told) is None


def test_a_pod_that_cannot_be_reached_proves_nothing() -> None:
    """A network policy, or rights that are not ours."""
    api = Pods({"/live": [None], "/ready": [200]})
    assert await_alive(api, [probed(LIVE)], clock=FakeClock(), grace=GRACE, tell=never_told) is None


UNASKED: dict[str, tuple[Object | None, Object | None]] = {
    "no liveness": (None, READY),
    "no readiness to compare with": (LIVE, None),
    "the same question": (READY, READY),
    "a command": ({"exec": {"command": ["true"]}}, READY),
    "a connection": ({"tcpSocket": {"port": 8000}}, READY),
    "headers of its own": ({"httpGet": {**LIVE["httpGet"], "httpHeaders": [{"name": "Host", "value": "x"}]}}, READY),
    "another host": ({"httpGet": {**LIVE["httpGet"], "host": "10.0.0.1"}}, READY),
    "a port without a number": ({"httpGet": {"path": "/live", "port": "gone"}}, READY),
    "readiness by a command": (LIVE, {"exec": {"command": ["true"]}}),
}


@pytest.mark.parametrize(("live", "ready"), UNASKED.values(), ids=UNASKED)
def test_what_cannot_be_repeated_is_not_asked(live: Object | None, ready: Object | None) -> None:
    """Nor what the kubelet has asked already."""
    api = Pods({})
    assert await_alive(api, [probed(live, ready)], clock=FakeClock(), grace=GRACE, tell=never_told) is None
    assert api.asked == []


@pytest.mark.parametrize(
    ("asked", "question"),
    [
        ({"path": "/live", "port": 8000}, Question(8000, "/live", "http")),
        ({"path": "live?deep=1", "port": "web", "scheme": "HTTPS"}, Question(80, "/live?deep=1", "https")),
        ({"port": 8000}, Question(8000, "/", "http")),
    ],
)
def test_a_question_is_read_as_the_kubelet_reads_it(asked: Object, question: Question) -> None:
    """Ports by number or name; no path is the root."""
    (container,) = probed({"httpGet": asked})["spec"]["containers"]
    assert Question.of(container, "livenessProbe") == question
