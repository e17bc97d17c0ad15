"""What the cluster has now: one look at everything that releases are judged by, shared by all that wait.

Rollouts run side by side, and each asks several times a second. They ask a `View`, which looks at the cluster once for
all of them.
"""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

from dockyard.charts.manifests import WORKLOADS
from dockyard.releases.workload import Verdict, judge

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from dockyard.charts.manifests import Manifests
    from dockyard.tools.clock import Clock
    from dockyard.tools.kubernetes import Object

KINDS = ("Deployment", "StatefulSet", "DaemonSet", "ReplicaSet", "Pod", "EndpointSlice")

WARNINGS = "type!=Normal"

FRESH = 0.2
"""Seconds that a look is taken for now."""

LOOKERS = 4
"""Questions at a time; a local API server answers each in some milliseconds."""


class Source(Protocol):
    """What looking asks of the API server."""

    def list(self, kind: str, *, labels: str = "", fields: str = "") -> tuple[Object, ...]:
        """Return the objects of a kind in the namespace."""

    def ask(
        self,
        method: str,
        path: str,
        *,
        query: Mapping[str, str] | None = None,
        body: Object | None = None,
        content_type: str = "application/json",
    ) -> Object:
        """Return what the server answers on a path."""


@dataclass(frozen=True, slots=True)
class Look:
    """What the cluster had at one moment.

    Attributes:
        objects: The namespace's workloads, ReplicaSets, Pods, EndpointSlices and warnings; nodes where room is wanted.
        everywhere: Pods of every namespace where room is wanted.
    """

    objects: Sequence[Object]
    everywhere: Sequence[Object] = ()

    def verdict(self, manifests: Manifests) -> Verdict:
        """Tell how far a release is."""
        workloads = [dict(entry) for entry in manifests.of_kind(*WORKLOADS)]
        services = [dict(entry) for entry in manifests.of_kind("Service")]
        return judge(workloads, services, self.objects, everywhere=self.everywhere)


def look(source: Source) -> Look:
    """Look at the cluster."""
    with ThreadPoolExecutor(LOOKERS) as pool:
        warnings = pool.submit(source.list, "Event", fields=WARNINGS)
        listed = [entry for found in pool.map(source.list, KINDS) for entry in found]
        listed.extend(warnings.result())
    if not any(_lacks_room(entry) for entry in listed):
        return Look(listed)
    nodes = [{"kind": "Node", **entry} for entry in source.ask("GET", "api/v1/nodes")["items"]]
    return Look([*listed, *nodes], source.ask("GET", "api/v1/pods")["items"])


def _lacks_room(entry: Object) -> bool:
    conditions = entry.get("status", {}).get("conditions", ()) if entry["kind"] == "Pod" else ()
    return any(condition.get("reason") == "Unschedulable" for condition in conditions)


class View:
    """A cluster that several threads look at."""

    def __init__(self, source: Source, clock: Clock) -> None:
        self._source, self._clock = source, clock
        self._lock = threading.Lock()
        self._seen: tuple[float, Look] | None = None

    def look(self, *, after: float = 0.0) -> Look:
        """Return what the cluster has now, or had FRESH seconds ago.

        Args:
            after: A moment of the clock; what was seen before it does not count.

        Raises:
            ApiSilentError: The API server does not answer.
        """
        with self._lock:
            now = self._clock.now()
            if self._seen is None or self._seen[0] < after or now - self._seen[0] > FRESH:
                self._seen = now, look(self._source)
            return self._seen[1]
