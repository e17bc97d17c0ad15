"""Asking pods that are Ready what the kubelet will ask them later: a liveness probe that never passes.

The first liveness probe may be due half a minute after a pod is Ready, and the first restart another half a minute
later. A release with a wrong path in its probe looks well until then. So pods are asked at once, by the API server.

Source: Kubernetes documentation, "Configure Liveness, Readiness and Startup Probes": from 200 to 399 is success.
"""

from __future__ import annotations

from dataclasses import dataclass
from http import HTTPStatus
from typing import TYPE_CHECKING, Protocol

from dockyard.model.diagnosis import Cause, CauseKind
from dockyard.releases.containers import lasting_containers
from dockyard.tools.clock import ticks

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from dockyard.releases.causes import Object
    from dockyard.tools.clock import Clock

PAUSE = 4.0
"""Seconds between two questions: the program may write a line of log for each, among the last that people look at."""


class Asks(Protocol):
    """What asking a pod needs of the API server."""

    def status_of(self, pod: str, port: int, path: str, *, scheme: str) -> int | None:
        """Return the status that a pod answers with."""


@dataclass(frozen=True, slots=True)
class Question:
    """What a probe asks.

    Attributes:
        port: The number of the port.
        path: The path, with its slash.
        scheme: http or https.
    """

    port: int
    path: str
    scheme: str

    @classmethod
    def of(cls, container: Object, probe: str) -> Question | None:
        """Return what a container's probe asks; None where it asks in a way that nobody else can repeat."""
        asked = container.get(probe, {}).get("httpGet")
        if asked is None or asked.get("httpHeaders") or asked.get("host"):
            return None
        named = {port["name"]: port["containerPort"] for port in container.get("ports", ()) if "name" in port}
        port = named.get(asked["port"], asked["port"])
        path = f"/{asked.get('path', '').removeprefix('/')}"
        return cls(port, path, asked.get("scheme", "HTTP").lower()) if isinstance(port, int) else None


@dataclass(frozen=True, slots=True)
class Failing:
    """A liveness probe that would fail now.

    Attributes:
        pod: The pod.
        container: Its container.
        question: What is asked.
        status: What it answers.
    """

    pod: str
    container: str
    question: Question
    status: int

    @property
    def answer(self) -> str:
        """Question and answer as a sentence without its full stop."""
        return f"GET {self.question.path} on port {self.question.port} is answered with {self.status}"

    @property
    def cause(self) -> Cause:
        """The same as what speaks against the release."""
        return Cause(
            CauseKind.PROBE,
            f"Container {self.container} of pod {self.pod} is ready, and its liveness probe would kill it over and "
            f"over: {self.answer}",
            terminal=False,
            pod=self.pod,
            container=self.container,
            fix="Let livenessProbe ask for what the program answers with success as long as it is well",
        )


def await_alive(
    api: Asks, pods: Sequence[Object], *, clock: Clock, grace: float, tell: Callable[[str], None]
) -> Cause | None:
    """Wait until pods answer their liveness probes.

    Args:
        api: The API server.
        pods: Pods that are Ready, with their specifications.
        clock: The clock to wait by.
        grace: Seconds that a probe may fail.
        tell: Told once what is waited for.

    Returns:
        The probe that still fails; None where none does, or where it cannot be told.
    """
    found: Failing | None = None
    for _ in ticks(clock, limit=grace, pause=PAUSE):
        before, found = found, next(_failing(api, pods), None)
        if found is None:
            return None
        if before is None:
            tell(f"liveness: {found.answer}; it has {grace:g} s to pass")
    return found.cause if found else None


def _failing(api: Asks, pods: Sequence[Object]) -> Iterator[Failing]:
    for pod in pods:
        for container in lasting_containers(pod["spec"]):
            live, ready = Question.of(container, "livenessProbe"), Question.of(container, "readinessProbe")
            if live is None or ready is None or live == ready:
                continue
            status = _status(api, pod, live)
            # The kubelet was content with readiness. Where it fails from here, the pod takes us for somebody else (its
            # Host header is another one, say), and what it says about liveness proves nothing.
            if status is None or _passes(status) or not _passes(_status(api, pod, ready) or 0):
                continue
            yield Failing(pod["metadata"]["name"], container["name"], live, status)


def _status(api: Asks, pod: Object, question: Question) -> int | None:
    return api.status_of(pod["metadata"]["name"], question.port, question.path, scheme=question.scheme)


def _passes(status: int) -> bool:
    return HTTPStatus.OK <= status < HTTPStatus.BAD_REQUEST
