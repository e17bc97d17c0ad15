"""The images that releases run: which they are, and bringing them back into a node that lost them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from dockyard.charts.pods import pod_templates
from dockyard.model.errors import RolloutError

if TYPE_CHECKING:
    from collections.abc import Iterable

    from dockyard.charts.manifests import Manifests
    from dockyard.model.events import Report
    from dockyard.workspace import Workspace


def images_of(manifests: Manifests) -> tuple[str, ...]:
    """Return the images that a release's pods name, each once."""
    named = (
        container.content.get("image") for template in pod_templates(manifests) for container in template.containers()
    )
    return tuple(dict.fromkeys(image for image in named if isinstance(image, str)))


def bring_back(workspace: Workspace, references: Iterable[str], report: Report) -> None:
    """Load images of the project that the node has lost; nothing is loaded unless all can be had.

    Raises:
        RolloutError: One is neither in the node nor in the engine.
    """
    there = workspace.cluster.images()
    ours = (reference for reference in references if reference.rpartition(":")[0] in workspace.project.images)
    lost = [reference for reference in ours if reference not in there]
    if not lost:
        return
    found = {name for facts in workspace.docker.images_named(lost) for name in facts.tags}
    for reference in lost:
        if reference not in found:
            raise RolloutError(
                f"The image {reference} of that revision is gone, and nothing was touched",
                why="It is neither in the node nor in the Docker engine",
                fix="Choose another revision, or check out its sources and deploy them",
            )
    for reference in lost:
        workspace.cluster.load(reference, report)
