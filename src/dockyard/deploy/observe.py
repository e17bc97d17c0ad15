"""Collect everything that a plan is made from: what the node has, charts, and what the cluster has, in parallel."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING

from dockyard.charts.render import Rendered, render
from dockyard.deploy.plan import Facts
from dockyard.images import observe as images
from dockyard.releases.drift import drift, kinds_of, live_objects
from dockyard.releases.plan import ReleaseSeen
from dockyard.releases.records import ReleaseRecord, read_records
from dockyard.releases.secret import differs
from dockyard.tools.kubernetes import RESOURCES

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

    from dockyard.images.plan import ImageSeen
    from dockyard.releases.live import Look
    from dockyard.releases.site import Site
    from dockyard.tools.kubernetes import Object
    from dockyard.workspace import Workspace

WORKERS = 8
"""Questions at a time; most wait for other programs."""


def observe(  # noqa: PLR0913 - what is known already is given
    workspace: Workspace,
    names: tuple[str, ...],
    site: Site | None,
    seen: Iterable[ImageSeen],
    *,
    node: Callable[[], Mapping[str, str]] | None = None,
    records: Mapping[str, ReleaseRecord] | None = None,
) -> Facts:
    """Collect the facts about releases and their images; nothing is changed.

    Args:
        workspace: The workspace.
        names: The releases, in order.
        site: The cluster; None if it is not running.
        seen: What is known of the releases' images on this machine.
        node: Returns the images in the node, as the cluster does; asks the cluster by default.
        records: What the cluster remembers of releases, if that was read already.

    Raises:
        BuildError: A chart does not render.
        ApiSilentError: The API server does not answer.
    """
    found = tuple(seen)
    references = {image.name: f"{image.name}:{image.tag}" for image in found}
    with ThreadPoolExecutor(WORKERS, thread_name_prefix="observe") as pool:
        held = pool.submit(node or workspace.cluster.images) if site else None
        version = pool.submit(site.api.version if site else workspace.kubernetes_version)
        reading = pool.submit(read_records, site.api) if site and records is None else None
        look = pool.submit(site.view.look) if site else None
        kubernetes = version.result()
        rendering = [pool.submit(_render, workspace, name, references, kubernetes) for name in names]
        there = reading.result() if reading else records or {}
        charts = {name: future.result() for name, future in zip(names, rendering, strict=True)}
        live = _live(site, there, names) if site else {}
        known = held.result() if held else None
        namespace = workspace.project.cluster.namespace
        return Facts(
            images=tuple(_with_node(image, known) for image in found),
            charts=charts,
            releases=tuple(
                _release(charts[name], there.get(name), look.result() if look else None, live, namespace)
                for name in names
            ),
            kubernetes_version=kubernetes,
        )


def image_names(workspace: Workspace, names: tuple[str, ...]) -> tuple[str, ...]:
    """Return the images that releases run, each once, in their order."""
    used = (workspace.project.release(name).image for name in names)
    return tuple(dict.fromkeys(image for image in used if image is not None))


def _with_node(image: ImageSeen, node: Mapping[str, str] | None) -> ImageSeen:
    if node is None:
        return image
    return images.with_node(image, node.get(f"{image.name}:{image.tag}", ""))


def _render(workspace: Workspace, name: str, references: Mapping[str, str], kubernetes: str) -> Rendered:
    spec = workspace.project.release(name)
    return render(
        workspace.helm(),
        name,
        spec,
        references.get(spec.image or ""),
        root=workspace.root,
        folder=workspace.state / "charts",
        secrets=workspace.secrets,
        namespace=workspace.project.cluster.namespace,
        kubernetes_version=kubernetes,
    )


def _live(site: Site, there: Mapping[str, ReleaseRecord], names: tuple[str, ...]) -> Mapping[str, tuple[Object, ...]]:
    """Return the live objects of every kind that the releases have."""
    manifests = [there[name].newest.manifests for name in names if name in there]
    kinds = {"Secret", *(kind for one in manifests for kind in kinds_of(one, RESOURCES))} if manifests else set()
    return live_objects(site.api, kinds)


def _release(
    chart: Rendered,
    record: ReleaseRecord | None,
    look: Look | None,
    live: Mapping[str, tuple[Object, ...]],
    namespace: str,
) -> ReleaseSeen:
    name, wanted, tag = chart.release, chart.manifests, chart.tag
    if record is None or look is None:
        return ReleaseSeen(name, wanted, tag, known=look is not None)
    sent = record.newest.manifests
    objects = [entry for found in live.values() for entry in found]
    found = [path for path in drift(sent, objects, tuple(live), namespace=namespace) if path not in record.accepted]
    if chart.secret is not None:
        found += differs(live.get("Secret", ()), chart.secret)
    return ReleaseSeen(name, wanted, tag, record, look.verdict(sent), tuple(found))
