"""StatefulSets that a broken pod of an older revision holds up.

By default a StatefulSet waits until a pod is Ready before it replaces it, and for one that never is, for ever: somebody
has to delete the pod (Kubernetes documentation, "StatefulSets", "Forced rollback").
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

from dockyard.releases.workload import is_observed, is_pod_ready, newest_pods, pods_of
from dockyard.tools.clock import ticks

if TYPE_CHECKING:
    from collections.abc import Iterator

    from dockyard.charts.manifests import Manifests
    from dockyard.tools.clock import Clock
    from dockyard.tools.kubernetes import Object

KIND = "StatefulSet"

LIMIT = 10.0
"""Seconds for the controller to see what was sent; it needs some milliseconds."""

PAUSE = 0.3


class Store(Protocol):
    """What this takes of the API server."""

    def get(self, kind: str, name: str) -> Object | None:
        """Return an object, or None."""

    def list(self, kind: str, *, labels: str = "", fields: str = "") -> tuple[Object, ...]:
        """Return the objects of a kind."""

    def delete(self, kind: str, name: str, *, uid: str = "") -> bool:
        """Delete an object; return whether it was there."""


def replace_broken(store: Store, manifests: Manifests, clock: Clock) -> Iterator[str]:
    """Delete the pods of a release's StatefulSets that are not Ready and of an older revision; yield their names."""
    for entry in manifests.of_kind(KIND):
        live = _observed(store, entry["metadata"]["name"], clock)
        if live is None:
            continue
        pods = pods_of(live, store.list("Pod"))
        newest = newest_pods(live, pods)
        for pod in (pod for pod in pods if pod not in newest and not is_pod_ready(pod)):
            if store.delete("Pod", pod["metadata"]["name"], uid=pod["metadata"]["uid"]):
                yield pod["metadata"]["name"]


def _observed(store: Store, name: str, clock: Clock) -> Object | None:
    for _ in ticks(clock, limit=LIMIT, pause=PAUSE):
        live = store.get(KIND, name)
        if live is None or is_observed(live):
            return live
    return None
