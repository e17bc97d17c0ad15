"""Asking a release's Services from outside the cluster, as its users would."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING

from dockyard.model.errors import RolloutError
from dockyard.releases.services import exposed_services
from dockyard.tools.clock import ticks
from dockyard.tools.http import Answer, ask

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from dockyard.charts.manifests import Manifests
    from dockyard.clusters.protocol import Addressing, ExposedPort
    from dockyard.model.project import ReleaseSpec
    from dockyard.releases.services import ExposedService
    from dockyard.releases.site import Site
    from dockyard.tools.clock import Clock

LIMIT = 30.0
"""Seconds for a Service to answer (SC-002)."""

ANSWER = 3.0
"""Seconds for one answer: until kube-proxy has the new endpoint, a request may go to a pod that is gone."""

RETRY = 0.05
"""Seconds between two attempts while nobody answers: kube-proxy needs that long to program a Service."""

PATIENCE = 1.0
"""Seconds of waiting that are not worth telling."""

ASK_AGAIN = 0.5
"""Seconds between two requests that are answered with an error: the program may log each."""


def ask_briefly(url: str) -> Answer:
    """GET a URL, and wait ANSWER seconds at most."""
    return ask(url, timeout=ANSWER)


@dataclass(frozen=True, slots=True)
class Served:
    """A Service that answered.

    Attributes:
        service: Its name.
        url: Where this machine reaches it.
        answers: What each path answered.
    """

    service: str
    url: str
    answers: tuple[Answer, ...]


def _untold(_text: str) -> None:
    """Tell no one."""


def verify(
    site: Site, manifests: Manifests, spec: ReleaseSpec, tell: Callable[[str], None] = _untold
) -> tuple[Served, ...]:
    """Verify that the exposed Services of a release answer.

    Args:
        site: The cluster.
        manifests: The release.
        spec: What the project says of it: the paths to ask, and how long what may mend itself is waited for.
        tell: Called with what is waited for, if that takes longer than usual.

    Raises:
        RolloutError: One of them does not answer within the limit.
    """
    workspace, limit = site.workspace, max(LIMIT, spec.grace)
    verification = Verification(addressing=workspace.cluster, clock=workspace.clock, limit=limit, tell=tell)
    return verification.run(partial(exposed_services, site.api, manifests), spec.check)


@dataclass(frozen=True, slots=True, kw_only=True)
class Verification:
    """How the Services of a release are verified.

    Attributes:
        addressing: How this machine reaches them.
        clock: The clock to wait by.
        limit: Seconds that each of them has to answer.
        get: Sends a GET request.
        tell: Called with what is waited for, if that takes longer than usual.
    """

    addressing: Addressing
    clock: Clock
    limit: float = LIMIT
    get: Callable[[str], Answer] = ask_briefly
    tell: Callable[[str], None] = _untold

    def run(self, find: Callable[[], Sequence[ExposedService]], paths: Sequence[str]) -> tuple[Served, ...]:
        """Connect to every port of every Service, and ask the main port of each for every path.

        Args:
            find: Returns the Services as they are now.
            paths: What they must answer with success.

        Raises:
            RolloutError: One of them did not within the limit.
        """
        services = self._with_addresses(find)
        return tuple(self._verify(service, paths) for service in services)

    def _with_addresses(self, find: Callable[[], Sequence[ExposedService]]) -> Sequence[ExposedService]:
        """Wait until the Services have addresses; a load balancer's is given after the Service is created."""
        services: Sequence[ExposedService] = ()

        def attempt() -> str:
            nonlocal services
            services = find()
            pending = (service.name for service in services if not service.is_addressable)
            return next((f"Service {name} has no address outside the cluster" for name in pending), "")

        if error := self._error(attempt):
            raise RolloutError(
                error,
                why=f"Within {self.limit:g} s its load balancer got none, and it has no NodePort",
                fix="Use type NodePort, or leave out `allocateLoadBalancerNodePorts: false`",
            )
        return services

    def _verify(self, service: ExposedService, paths: Sequence[str]) -> Served:
        url, main = service.url(self.addressing), service.main_port
        answers = tuple(self._ask(service, url, path) for path in paths)
        for port in service.ports:
            # An answer proves more than a connection; a Service without a selector may lead to nothing on purpose.
            if service.has_selector and not (answers and port is main):
                self._connect(service, port)
        return Served(service.name, url, answers)

    def _ask(self, service: ExposedService, url: str, path: str) -> Answer:
        answer = Answer(url, 0, "")

        def attempt() -> str:
            nonlocal answer
            answer = self.get(f"{url}{path}")
            if answer.ok:
                return ""
            if answer.status:
                self.clock.sleep(ASK_AGAIN)
            said = f"was answered with {answer.status}" if answer.status else f"was not answered: {answer.body}"
            return f"GET {url}{path} {said}"

        if error := self._error(attempt):
            raise RolloutError(
                f"Service {service.name} does not serve {path} on {_described(service.main_port)}",
                why=f"For {self.limit:g} s {error}",
                fix="`./inv logs` shows why" if answer.status else _listen(service.main_port),
            )
        return answer

    def _connect(self, service: ExposedService, port: ExposedPort) -> None:
        if error := self._error(lambda: self.addressing.connection_error(port)):
            raise RolloutError(
                f"Service {service.name} does not accept connections on {_described(port)}",
                why=f"For {self.limit:g} s {error}",
                fix=_listen(port),
            )

    def _error(self, attempt: Callable[[], str]) -> str:
        """Repeat an attempt until it succeeds; return the error of the last one if the limit passes."""
        error, told = "", False
        for gone in ticks(self.clock, limit=self.limit, pause=RETRY):
            error = attempt()
            if not error:
                return ""
            if gone >= PATIENCE and not told:
                told = True
                self.tell(error)
        return error


def _listen(port: ExposedPort) -> str:
    return (
        f"Let a container of its pods listen on targetPort {port.target}, on all addresses and not only on 127.0.0.1; "
        "if it is only slow to start, add a readinessProbe or raise the release's `grace`"
    )


def _described(port: ExposedPort) -> str:
    return f"port {port.port} (NodePort {port.node_port})" if port.node_port else f"port {port.port}"
