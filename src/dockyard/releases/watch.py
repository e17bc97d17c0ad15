"""Waiting for a release: until it is Ready, or cannot become so."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from dockyard.charts.manifests import WORKLOADS
from dockyard.charts.pods import pod_templates
from dockyard.model.diagnosis import Cause, CauseKind
from dockyard.model.errors import ApiRefusedError, ApiSilentError, ClusterError
from dockyard.model.lifecycle import DeploymentState
from dockyard.releases.silence import Silence
from dockyard.tools.clock import ticks

if TYPE_CHECKING:
    from collections.abc import Callable

    from dockyard.charts.manifests import Manifests
    from dockyard.releases.life import Life
    from dockyard.releases.live import View
    from dockyard.releases.workload import Verdict
    from dockyard.tools.clock import Clock

PAUSE = 0.3
"""Seconds between two looks."""

STEADY = 2.0
"""Seconds that pods must stay Ready if they have no readiness probe.

They are Ready as soon as they run, even if they crash right after that. The kubelet restarts a container at once after
its first crash, and delays the next start a second later: then the crash loop is known."""


class Watch:
    """The wait for one release.

    Args:
        life: The service, which goes where the cluster says.
        view: What the cluster has.
        clock: The clock to wait by.
        runs: Tells whether the cluster runs at all; asked when its API server is silent.
    """

    def __init__(self, life: Life, view: View, *, clock: Clock, runs: Callable[[], bool]) -> None:
        self._life, self._view, self._clock = life, view, clock
        self._standing: tuple[Cause, float] | None = None
        self._ready_since: float | None = None
        self._silence = Silence(clock, runs, lambda text: life.note("Waiting", text))

    def wait(self, manifests: Manifests, *, limit: float, grace: float) -> Cause | None:
        """Wait until the pods of the release are Ready and its Services have endpoints.

        Args:
            manifests: What was sent.
            limit: Seconds to wait at most.
            grace: Seconds that a cause must stand which may still mend itself.

        Returns:
            Why it cannot become Ready; None if nothing of that is missing.

        Raises:
            ClusterError: The cluster stopped, or its API server did not come back within the limit.
        """
        start, steady = self._clock.now(), 0.0 if _has_readiness_probes(manifests) else STEADY
        verdict: Verdict | None = None
        for _ in ticks(self._clock, limit=limit, pause=PAUSE):
            seen = self._look(manifests, start)
            if seen is None:
                continue
            verdict = seen
            if cause := self._decided(verdict, grace):
                return cause
            if self._has_settled(verdict, steady):
                return None
        if self._silence.seconds:
            raise ClusterError(
                f"The API server did not answer for {self._silence.seconds:.0f} s",
                why=f"Release {self._life.release} was sent, and nobody saw what became of it",
                fix="See `./inv cluster.status`, then run the same command again: it goes on from where things are",
            )
        return None if self._ready_since is not None else _overdue(verdict, limit)

    def _look(self, manifests: Manifests, start: float) -> Verdict | None:
        """Return how far the release is; None while the API server is silent or just started."""
        try:
            verdict = self._view.look(after=start).verdict(manifests)
        except (ApiSilentError, ApiRefusedError) as error:
            self._silence.met(error)
            return None
        self._silence.over()
        return verdict

    def _has_settled(self, verdict: Verdict, steady: float) -> bool:
        """Follow the release; return whether it has been Ready for so many seconds."""
        if verdict.state is not DeploymentState.READY:
            self._ready_since = None
            self._life.follow(verdict)
            return False
        self._life.follow(replace(verdict, state=DeploymentState.RUNNING))  # Ready is what serves, too
        now = self._clock.now()
        self._ready_since = now if self._ready_since is None else self._ready_since
        return now - self._ready_since >= steady

    def _decided(self, verdict: Verdict, grace: float) -> Cause | None:
        """Return the cause that ends the wait: at once where it is terminal, else once it has stood long enough."""
        cause, now = verdict.cause, self._clock.now()
        if cause is None or cause.terminal:
            self._standing = None
            return cause
        if self._standing is None or self._standing[0].kind is not cause.kind:
            self._standing = cause, now
        return cause if now - self._standing[1] >= grace else None


def _has_readiness_probes(manifests: Manifests) -> bool:
    """Whether the kubelet asks every container of the workloads whether it is ready."""
    return all(
        container.content.get("readinessProbe")
        for template in pod_templates(manifests)
        if template.owner.kind in WORKLOADS
        for container in template.containers()
        if not container.init
    )


def _overdue(verdict: Verdict | None, limit: float) -> Cause:
    said = verdict.text if verdict else "nothing is known of it"
    standing = verdict.cause if verdict else None
    return Cause(
        CauseKind.TIMEOUT,
        f"It was not Ready within {limit:g} s: {standing.sentence if standing else said}",
        pod=(standing.pod if standing else "") or next(iter(verdict.pods if verdict else ()), ""),
        container=standing.container if standing else "",
        compared=standing.compared if standing else "",
        event=standing.event if standing else "",
        fix=standing.fix if standing else "See its last lines; where it only is slow, raise the release's `timeout`",
    )
