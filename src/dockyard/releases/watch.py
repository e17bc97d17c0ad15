"""Waiting for a release: until it is Ready, or cannot become so."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

from dockyard.charts.manifests import WORKLOADS
from dockyard.model.errors import RolloutError
from dockyard.model.events import Event
from dockyard.model.lifecycle import DeploymentState
from dockyard.releases.workload import Verdict, judge
from dockyard.tools.clock import ticks

if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import Any

    from dockyard.charts.manifests import Manifests
    from dockyard.model.events import Report
    from dockyard.tools.clock import Clock

KINDS = ("deployments", "statefulsets", "daemonsets", "replicasets", "pods", "endpoints")

PAUSE = 0.5
"""Seconds between two looks."""

GRACE = 4.0
"""Seconds that a cause must stand: a pod may be unschedulable, or short of its image, for a moment."""

LOG_LINES = 20


class Objects(Protocol):
    """What watching asks of the cluster."""

    def get(self, *kinds: str, selector: str = "") -> tuple[Mapping[str, Any], ...]:
        """Return the objects of those kinds."""

    def logs(self, pod: str, *, tail: int, previous: bool = False) -> str:
        """Return the last lines of a pod."""


def look(cluster: Objects, manifests: Manifests) -> Verdict:
    """Tell how far a release is, now."""
    live = [dict(entry) for entry in cluster.get(*KINDS)]
    workloads = [dict(entry) for entry in manifests.of_kind(*WORKLOADS)]
    services = [dict(entry) for entry in manifests.of_kind("Service")]
    return judge(workloads, services, live)


def watch(  # noqa: PLR0913 - each is one fact of the wait
    release: str, cluster: Objects, manifests: Manifests, *, clock: Clock, limit: float, report: Report
) -> Verdict:
    """Wait until a release is Ready.

    Args:
        release: Its name, for the events.
        cluster: Where it runs.
        manifests: What was sent.
        clock: The clock to wait by.
        limit: Seconds to wait at most.
        report: Told of each state that is reached.

    Raises:
        RolloutError: It cannot become Ready, or did not within the limit; the message holds cause and last logs.
    """
    said: tuple[str, str] | None = None
    failing_since: float | None = None
    verdict = Verdict(DeploymentState.PENDING)
    for gone in ticks(clock, limit=limit, pause=PAUSE):
        verdict = look(cluster, manifests)
        if verdict.state is DeploymentState.READY:
            report(Event(release, verdict.state, f"{verdict.ready} of {verdict.wanted} pods ready"))
            return verdict
        failing_since = (gone if failing_since is None else failing_since) if verdict.cause else None
        if failing_since is not None and gone - failing_since >= GRACE:
            raise failure(release, cluster, verdict)
        if (verdict.state, verdict.text) != said and not verdict.cause:
            said = (verdict.state, verdict.text)
            report(Event(release, verdict.state, verdict.text, passing=True))
    raise failure(release, cluster, verdict, limit=limit)


def failure(release: str, cluster: Objects, verdict: Verdict, *, limit: float = 0) -> RolloutError:
    """Return the error for a release that is not Ready, with the evidence that goes away with its pods."""
    pod = (verdict.cause.pod if verdict.cause else "") or next(iter(verdict.pods), "")
    evidence = "".join(
        f"\n  {title} of pod {pod}:\n    " + text.strip().replace("\n", "\n    ")
        for title, previous in (("last lines", False), ("last lines of the run before", True))
        if pod and (text := cluster.logs(pod, tail=LOG_LINES, previous=previous)).strip()
    )
    if verdict.cause:
        return RolloutError(f"Release {release} failed", why=verdict.text + evidence)
    return RolloutError(f"Release {release} was not Ready within {limit:g} s", why=verdict.text + evidence)
