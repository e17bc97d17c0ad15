"""Removing a release, and knowing that it is gone.

Helm's own wait is not enough: `helm uninstall --wait --cascade foreground` was seen to return in 0.3 s with everything
still there, on its way out. Whatever is installed then under the same names is taken away with it. So the objects
themselves are asked for until there are none.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from dockyard.charts.manifests import Manifests
from dockyard.charts.pods import pod_templates
from dockyard.model.errors import RolloutError, ToolFailedError
from dockyard.tools.clock import ticks

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from typing import Any

    from dockyard.releases.watch import Objects
    from dockyard.tools.clock import Clock
    from dockyard.tools.helm import Helm

LIMIT = 90.0
"""Seconds until what is on its way out counts as stuck: three times the grace that a pod has by default."""

PAUSE = 0.5
SHOWN = 5


def remove(helm: Helm, cluster: Objects, release: str, *, clock: Clock) -> None:
    """Uninstall a release and wait until its objects and pods are gone.

    Raises:
        RolloutError: Helm refused, or something is still there after LIMIT seconds.
    """
    manifests = Manifests.parse(helm.manifest(release))
    try:
        helm.uninstall(release)
    except ToolFailedError as error:
        raise RolloutError(f"Release {release} could not be removed", why=error.stderr.strip()) from error
    await_gone(release, cluster, manifests, clock=clock)


def await_gone(
    release: str, cluster: Objects, manifests: Manifests, *, clock: Clock, only_leaving: bool = False
) -> None:
    """Wait until no object of a release and none of its pods is there.

    Args:
        release: Its name, for the sentence.
        cluster: Where it was.
        manifests: What it was made of.
        clock: The clock to wait by.
        only_leaving: Wait for those alone that are on their way out; others may stay.

    Raises:
        RolloutError: Something is still there after LIMIT seconds.
    """
    left: tuple[str, ...] = ()
    for _ in ticks(clock, limit=LIMIT, pause=PAUSE):
        left = tuple(still_there(cluster, manifests, only_leaving=only_leaving))
        if not left:
            return
    named = ", ".join(left[:SHOWN]) + (f" and {len(left) - SHOWN} more" if left[SHOWN:] else "")
    raise RolloutError(
        f"Release {release} is not gone after {LIMIT:g} s",
        why=f"Still there: {named}",
        fix="`kubectl describe` shows what holds it, a finalizer say; then run the same command again",
    )


def still_there(cluster: Objects, manifests: Manifests, *, only_leaving: bool) -> Iterable[str]:
    """Yield what is left of a release, as kubectl names it."""
    kinds = sorted({name.kind.lower() for name in manifests.objects} | {"pod"})
    names = {(name.kind, name.name) for name in manifests.objects}
    labels = [template.labels for template in pod_templates(manifests) if template.labels]
    for entry in cluster.get(*kinds):
        kind, name = entry["kind"], entry["metadata"]["name"]
        ours = (kind, name) in names or (kind == "Pod" and _selected(entry, labels))
        if ours and (not only_leaving or "deletionTimestamp" in entry["metadata"]):
            yield f"{kind.lower()}/{name}"


def _selected(pod: Mapping[str, Any], labels: Iterable[Mapping[str, str]]) -> bool:
    there = pod["metadata"].get("labels") or {}
    return any(wanted.items() <= there.items() for wanted in labels)
