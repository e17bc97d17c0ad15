"""The pipeline: images, load, releases, watch, verify."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING

from dockyard.charts.manifests import Manifests
from dockyard.charts.render import Rendered, render
from dockyard.checks.gate import refuse_errors
from dockyard.images.bases import resolve
from dockyard.images.ensure import Source, ensure
from dockyard.model.events import Event, Report
from dockyard.releases.apply import apply
from dockyard.releases.plan import ReleaseAction, ReleaseObservation, Verb, plan_release
from dockyard.releases.remove import await_gone, remove
from dockyard.releases.verify import Served, verify
from dockyard.releases.watch import look, watch
from dockyard.tools.helm import Helm
from dockyard.workspace import Workspace

if TYPE_CHECKING:
    from dockyard.tools.helm import ReleaseFacts

MEGABYTE = 1_000_000

SENDING = frozenset({Verb.INSTALL, Verb.UPGRADE, Verb.RECOVER})
"""What sends something to the cluster."""

Gate = Callable[[Workspace, tuple[str, ...], Mapping[str, str], Report], None]
"""Who may refuse what is to be sent: given the workspace, the releases, the images' references, and who is told."""


@dataclass(frozen=True, slots=True)
class Deployed:
    """What a deploy did to one release.

    Attributes:
        action: What was done and why.
        revision: The revision that serves.
        served: What its services answered.
    """

    action: ReleaseAction
    revision: int
    served: tuple[Served, ...]


def build_images(workspace: Workspace, names: tuple[str, ...], report: Report) -> dict[str, str]:
    """Build those of the images whose sources changed.

    Returns:
        The reference of each, by the image's name.
    """
    references = {}
    for name in names:
        spec = workspace.project.image(name)
        base = resolve(workspace.docker, spec.base_image, report, ca_bundle=workspace.ca_bundle)
        source = Source(name=name, spec=spec, root=workspace.root, base=(base.reference, base.id))
        references[name] = ensure(workspace.docker, source, report, ca_bundle=workspace.ca_bundle)
    return references


def load_images(workspace: Workspace, references: tuple[str, ...], report: Report) -> None:
    """Bring images into the node where it lacks them."""
    for reference in references:
        name = reference.partition(":")[0]
        loaded = workspace.cluster.load(reference, report)
        if loaded.sent:
            report(Event(name, "Loaded", f"{_amount(loaded.sent)} sent"))
        else:
            report(Event(name, "Unchanged", "in the node already"))


def _amount(size: int) -> str:
    """Return bytes for people; a changed line of source is kilobytes."""
    return f"{size / 1e6:.1f} MB" if size >= MEGABYTE // 10 else f"{size / 1e3:.1f} kB"


def deploy(
    workspace: Workspace, names: tuple[str, ...], report: Report, *, gate: Gate = refuse_errors
) -> tuple[Deployed, ...]:
    """Bring releases to what the project describes, one after the other along `needs`.

    Args:
        workspace: What to work with; its cluster runs.
        names: The releases, in order.
        report: Told of what happens.
        gate: Asked before anything is sent to the cluster; it refuses by raising.

    Raises:
        DockyardError: What stopped it; releases that were done before stay.
    """
    used = (workspace.project.release(name).image for name in names)
    references = build_images(workspace, tuple(dict.fromkeys(image for image in used if image is not None)), report)
    charts = tuple(_render(workspace, name, references) for name in names)
    there = {release.name: release for release in workspace.helm().releases()}
    actions = tuple(plan_release(_observe(workspace, chart, there.get(chart.release))) for chart in charts)
    changing = tuple(action.release for action in actions if action.verb in SENDING)
    if changing:
        gate(workspace, changing, references, report)
    load_images(workspace, tuple(references.values()), report)
    return tuple(_bring(workspace, chart, action, report) for chart, action in zip(charts, actions, strict=True))


def _render(workspace: Workspace, name: str, references: Mapping[str, str]) -> Rendered:
    spec = workspace.project.release(name)
    return render(
        Helm(workspace.programs["helm"]),
        name,
        spec,
        references.get(spec.image or ""),
        root=workspace.root,
        folder=workspace.state / "charts",
        secrets=workspace.secrets,
        namespace=workspace.project.cluster.namespace,
    )


def _observe(workspace: Workspace, chart: Rendered, there: ReleaseFacts | None) -> ReleaseObservation:
    if there is None:
        return ReleaseObservation(chart.release, chart.manifests, chart.tag)
    sent = Manifests.parse(workspace.helm().manifest(chart.release))
    live = look(workspace.kubectl(), chart.manifests)
    return ReleaseObservation(chart.release, chart.manifests, chart.tag, there, sent, live)


def _bring(workspace: Workspace, chart: Rendered, action: ReleaseAction, report: Report) -> Deployed:
    helm, name = workspace.helm(), chart.release
    spec = workspace.project.release(name)
    if action.verb is Verb.NOTHING:
        report(Event(name, "Unchanged", action.reason))
    else:
        kubectl = workspace.kubectl()
        if action.verb is Verb.INSTALL:  # an earlier release of that name may still be on its way out
            await_gone(name, kubectl, chart.manifests, clock=workspace.clock, only_leaving=True)
        apply(helm, action, chart, report, away=partial(remove, helm, kubectl, name, clock=workspace.clock))
        watch(name, kubectl, chart.manifests, clock=workspace.clock, limit=spec.timeout, report=report)
    served = verify(workspace.cluster, chart.manifests, spec.check, clock=workspace.clock)
    revision = max(entry.revision for entry in helm.history(name))
    return Deployed(action, revision, served)


def destroy(workspace: Workspace, names: tuple[str, ...], report: Report) -> None:
    """Uninstall releases, the last that was deployed first, and wait until their pods are gone."""
    helm = workspace.helm()
    there = {release.name for release in helm.releases()}
    for name in reversed(names):
        if name not in there:
            report(Event(name, "Absent", "it is not installed"))
            continue
        report(Event(name, "Removing", passing=True))
        remove(helm, workspace.kubectl(), name, clock=workspace.clock)
        report(Event(name, "Removed", "its objects and pods are gone"))
