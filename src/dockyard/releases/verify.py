"""Asking a release's services from outside, as its users would."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

from dockyard.model.errors import RolloutError
from dockyard.tools.clock import ticks
from dockyard.tools.http import Answer, ask

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from dockyard.charts.manifests import Manifests
    from dockyard.tools.clock import Clock

LIMIT = 30.0
"""Seconds for an endpoint to answer (SC-002); kube-proxy takes up to three, on a busy machine more."""

ANSWER = 3.0
"""Seconds for one answer: until kube-proxy has the new endpoint, a request may go to a pod that is gone."""


def ask_briefly(url: str) -> Answer:
    """GET a URL, and wait ANSWER seconds at most."""
    return ask(url, timeout=ANSWER)


class Addresses(Protocol):
    """What asking needs of a cluster."""

    def address(self, node_port: int) -> str:
        """Return `host:port` of a NodePort."""


@dataclass(frozen=True, slots=True)
class Served:
    """A service that answered.

    Attributes:
        service: Its name.
        url: Where this machine reaches it.
        answers: What each path answered.
    """

    service: str
    url: str
    answers: tuple[Answer, ...]


def node_ports(manifests: Manifests) -> Iterator[tuple[str, int]]:
    """Yield the name and NodePort of each Service that has one."""
    for service in manifests.of_kind("Service"):
        for port in service["spec"].get("ports") or ():
            if port.get("nodePort"):
                yield service["metadata"]["name"], port["nodePort"]


def verify(
    cluster: Addresses,
    manifests: Manifests,
    paths: Sequence[str],
    *,
    clock: Clock,
    get: Callable[[str], Answer] = ask_briefly,
) -> tuple[Served, ...]:
    """Ask every NodePort of a release for each path.

    Raises:
        RolloutError: A path was not answered with success within the limit.
    """
    return tuple(
        Served(service, f"http://{address}", tuple(_ask(f"http://{address}{path}", clock, get) for path in paths))
        for service, port in node_ports(manifests)
        if (address := cluster.address(port))
    )


def _ask(url: str, clock: Clock, get: Callable[[str], Answer]) -> Answer:
    answer = Answer(url, 0, "not asked")
    for _ in ticks(clock, limit=LIMIT, pause=0.5):
        answer = get(url)
        if answer.ok:
            return answer
    said = f"it answered {answer.status}" if answer.status else f"there was no answer: {answer.body}"
    raise RolloutError(f"{url} does not serve", why=f"Within {LIMIT:g} s {said}", fix="`./inv logs` shows why")
