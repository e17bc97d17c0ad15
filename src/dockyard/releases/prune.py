"""Images that no revision needs any more: which they are, in the node and in the engine."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from dockyard.model.events import Event
from dockyard.releases.images import images_of
from dockyard.releases.records import HELM_LABELS, HELM_TYPE, decode

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable

    from dockyard.model.events import Report
    from dockyard.releases.site import Site


@dataclass(frozen=True, slots=True)
class Pruned:
    """What was, or would be, removed.

    Attributes:
        node: References of images in the node.
        engine: References of images in the Docker engine.
    """

    node: tuple[str, ...]
    engine: tuple[str, ...]


def needed(site: Site) -> frozenset[str]:
    """Return the images that a revision of any release in any namespace of the cluster runs: it may be gone back to."""
    query = {"labelSelector": HELM_LABELS, "fieldSelector": f"type={HELM_TYPE}"}
    listed = site.api.ask("GET", "api/v1/secrets", query=query)["items"]
    revisions = (revision for secret in listed if (revision := decode(secret)) is not None)
    return frozenset(image for revision in revisions for image in images_of(revision.manifests))


def unneeded(held: Iterable[str], kept: Collection[str], names: Collection[str]) -> tuple[str, ...]:
    """Return those of the images that nothing needs.

    Args:
        held: References of images that are there.
        kept: References that are needed.
        names: Names of the project's images: others are not its business.
    """
    return tuple(sorted(one for one in held if one.rpartition(":")[0] in names and one not in kept))


def prune(site: Site, current: Iterable[str], report: Report, *, dry_run: bool) -> Pruned:
    """Remove the project's images that neither a revision nor the sources as they are now need.

    Only images with Dockyard's label are touched in the engine.

    Args:
        site: The cluster.
        current: References that the sources have now.
        report: Told of what is removed.
        dry_run: Remove nothing.
    """
    workspace = site.workspace
    kept, names = {*needed(site), *current}, workspace.project.images.keys()
    labelled = (tag for facts in workspace.docker.images_labelled("image") for tag in facts.tags)
    found = Pruned(unneeded(workspace.cluster.images(), kept, names), unneeded(labelled, kept, names))
    if not dry_run:
        workspace.cluster.remove_images(found.node)
        if found.engine:
            workspace.docker.remove_images(found.engine)
        for reference in sorted({*found.node, *found.engine}):
            report(Event(reference.rpartition(":")[0], "Removed", reference))
    return found
