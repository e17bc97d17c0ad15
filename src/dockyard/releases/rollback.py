"""Going back to an earlier revision, and knowing before anything is touched whether that can work."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from dockyard.charts.manifests import WORKLOADS, Manifests
from dockyard.model.errors import RolloutError, ToolFailedError
from dockyard.model.events import Event
from dockyard.model.lifecycle import DeploymentState
from dockyard.releases.apply import refusal
from dockyard.releases.status import revisions
from dockyard.releases.verify import Served, verify
from dockyard.releases.watch import watch

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from dockyard.model.events import Report
    from dockyard.tools.helm import RevisionFacts
    from dockyard.workspace import Workspace

GOOD = frozenset({"superseded", "deployed"})
"""Helm's words for a revision that was deployed; `failed` and the pending ones never were."""


@dataclass(frozen=True, slots=True)
class RolledBack:
    """What a rollback came to.

    Attributes:
        release: The release.
        target: The revision that serves again.
        revision: The new revision that Helm made for it.
        app_version: The tag of its image.
        served: What its services answered.
    """

    release: str
    target: int
    revision: int
    app_version: str
    served: tuple[Served, ...]


def choose(release: str, history: Sequence[RevisionFacts], revision: int | None) -> RevisionFacts:
    """Return the revision to go back to.

    Args:
        release: The release's name, for the sentence.
        history: Its revisions, oldest first.
        revision: The one that was asked for; None means the last one before the current that was deployed.

    Raises:
        RolloutError: There is no such revision, or none to go back to.
    """
    current = history[-1]
    if revision is not None:
        known = {entry.revision: entry for entry in history}
        if revision == current.revision:
            raise RolloutError(f"Release {release} is at revision {revision} already")
        if revision not in known:
            listed = ", ".join(map(str, known))
            raise RolloutError(
                f"Release {release} has no revision {revision}",
                why=f"Its revisions are {listed}",
                fix=f"`./inv history --release {release}` shows them",
            )
        return known[revision]
    earlier = [entry for entry in history[:-1] if entry.status in GOOD]
    if not earlier:
        raise RolloutError(
            f"Release {release} has nothing to go back to",
            why=f"Revision {current.revision} is its only one"
            if len(history) == 1
            else "No earlier revision was ever deployed",
        )
    return earlier[-1]


def rollback(workspace: Workspace, release: str, revision: int | None, report: Report) -> RolledBack:
    """Bring an earlier revision back and wait until it serves.

    Raises:
        UnknownNameError: There is no such release on the cluster.
        RolloutError: It cannot be done, or the old revision does not become Ready.
    """
    helm, kubectl = workspace.helm(), workspace.kubectl()
    history = revisions(workspace, release)
    target = choose(release, history, revision)
    manifests = Manifests.parse(helm.manifest(release, revision=target.revision))
    bring_back_images(workspace, images_of(manifests), report)
    tag = target.app_version
    report(Event(release, DeploymentState.UPGRADING, f"back to revision {target.revision}, image tag {tag}"))
    try:
        helm.rollback(release, target.revision)
    except ToolFailedError as error:
        raise refusal(release, error) from error
    spec = workspace.project.releases.get(release)
    limit = spec.timeout if spec else 120.0
    watch(release, kubectl, manifests, clock=workspace.clock, limit=limit, report=report)
    served = verify(workspace.cluster, manifests, spec.check if spec else (), clock=workspace.clock)
    newest = max(entry.revision for entry in helm.history(release))
    return RolledBack(release, target.revision, newest, tag, served)


def images_of(manifests: Manifests) -> tuple[str, ...]:
    """Return the images that the workloads of a release name, each once."""
    specs = (entry["spec"]["template"]["spec"] for entry in manifests.of_kind(*WORKLOADS))
    named = (
        container["image"]
        for spec in specs
        for kind in ("initContainers", "containers")
        for container in spec.get(kind, ())
    )
    return tuple(dict.fromkeys(named))


def bring_back_images(workspace: Workspace, references: Iterable[str], report: Report) -> None:
    """Load images that the node has lost.

    Raises:
        RolloutError: One is neither in the node nor in the engine.
    """
    there = workspace.cluster.images()
    for reference in references:
        if reference in there:
            continue
        if workspace.docker.image(reference) is None:
            raise RolloutError(
                f"The image {reference} of that revision is gone",
                why="It is neither in the node nor in the Docker engine",
                fix="Choose another revision, or check out its sources and deploy them",
            )
        workspace.cluster.load(reference, report)
