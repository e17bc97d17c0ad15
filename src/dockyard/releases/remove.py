"""Removing a release, and knowing that it is gone.

Helm's own wait is no help: `helm uninstall --wait` was seen to return, and with Helm 4 to fail, within a second while
everything was still terminating. Whatever is installed then under the same names is taken away with it. So the objects
themselves are asked for until there are none.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from dockyard.charts.pods import pod_templates
from dockyard.model.errors import ApiSilentError, RolloutError, ToolFailedError
from dockyard.releases.drift import kinds_of
from dockyard.releases.records import Store, forget, read_records
from dockyard.tools.clock import ticks
from dockyard.tools.kubernetes import RESOURCES

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from dockyard.charts.manifests import Manifests
    from dockyard.tools.clock import Clock
    from dockyard.tools.helm import Helm
    from dockyard.tools.kubernetes import Object

LIMIT = 90.0
"""Seconds until what is on its way out counts as stuck: three times the grace that a pod has by default."""

PAUSE = 0.5
SHOWN = 5

POLICY, KEEP = "helm.sh/resource-policy", "keep"
"""The annotation of what Helm leaves behind on purpose (Helm documentation, "Chart Development Tips and Tricks")."""


def remove(helm: Helm, store: Store, release: str, *, clock: Clock) -> None:
    """Uninstall a release and wait until its objects and pods are gone; one that is not there is gone.

    Raises:
        RolloutError: Helm refused, or something is still there after LIMIT seconds.
    """
    record = read_records(store).get(release)
    if record is None:
        return
    try:
        helm.uninstall(release)
    except ToolFailedError as error:
        raise RolloutError(f"Release {release} could not be removed", why=error.stderr.strip()) from error
    for revision in record.revisions[-2:]:  # the newest may be half of what is there, where it was cut off
        await_gone(release, store, revision.manifests, clock=clock)
    forget(store, release)


def await_gone(release: str, store: Store, manifests: Manifests, *, clock: Clock, only_leaving: bool = False) -> None:
    """Wait until no object of a release and none of its pods is there.

    Args:
        release: Its name, for the sentence.
        store: The API server.
        manifests: What it was made of.
        clock: The clock to wait by.
        only_leaving: Wait for those alone that are on their way out; others may stay.

    Raises:
        RolloutError: Something is still there after LIMIT seconds.
    """
    left: tuple[str, ...] = ()
    for _ in ticks(clock, limit=LIMIT, pause=PAUSE):
        try:
            left = tuple(still_there(store, manifests, only_leaving=only_leaving))
        except ApiSilentError:
            continue
        if not left:
            return
    named = ", ".join(left[:SHOWN]) + (f" and {len(left) - SHOWN} more" if left[SHOWN:] else "")
    raise RolloutError(
        f"Release {release} is not gone after {LIMIT:g} s",
        why=f"Still there: {named}",
        fix="`kubectl describe` shows what holds it, a finalizer say; then run the same command again",
    )


def still_there(store: Store, manifests: Manifests, *, only_leaving: bool) -> Iterable[str]:
    """Yield what is left of a release, as kubectl names it."""
    kinds = {*kinds_of(manifests, RESOURCES), "Pod"}
    names = {(name.kind, name.name) for name in manifests.objects}
    labels = [template.labels for template in pod_templates(manifests) if template.labels]
    for entry in (entry for kind in sorted(kinds) for entry in store.list(kind)):
        kind, name = entry["kind"], entry["metadata"]["name"]
        ours = (kind, name) in names or (kind == "Pod" and _selected(entry, labels))
        leaving = "deletionTimestamp" in entry["metadata"]
        if ours and (leaving or not (only_leaving or _is_kept(entry))):
            yield f"{kind.lower()}/{name}"


def _is_kept(entry: Object) -> bool:
    return bool((entry["metadata"].get("annotations") or {}).get(POLICY) == KEEP)


def _selected(pod: Object, labels: Iterable[Mapping[str, str]]) -> bool:
    there = pod["metadata"].get("labels") or {}
    return any(wanted.items() <= there.items() for wanted in labels)
