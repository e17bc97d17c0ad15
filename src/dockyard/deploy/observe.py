"""Gathering all that a plan is made from: sources, engine, node, charts and cluster, side by side."""

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
    from collections.abc import Mapping, Sequence

    from dockyard.images.plan import ImageSeen
    from dockyard.releases.live import Look
    from dockyard.releases.site import Site
    from dockyard.tools.kubernetes import Object
    from dockyard.workspace import Workspace

WORKERS = 8
"""Questions at a time; most wait for other programs."""


def observe(
    workspace: Workspace,
    names: tuple[str, ...],
    site: Site | None,
    sources: Sequence[images.Source],
    *,
    records: Mapping[str, ReleaseRecord] | None = None,
) -> Facts:
    """Gather what is known of releases and their images; nothing is changed.

    Args:
        workspace: What to work with.
        names: The releases, in order.
        site: The cluster; None where it does not run.
        sources: What the releases' images are made from.
        records: What the cluster remembers of releases, where that was read already.

    Raises:
        BuildError: A source cannot be read, or a chart does not render.
        ApiSilentError: The API server does not answer.
    """
    with ThreadPoolExecutor(WORKERS, thread_name_prefix="observe") as pool:
        node = pool.submit(workspace.cluster.images) if site else None
        version = pool.submit(site.api.version if site else workspace.kubernetes_version)
        reading = pool.submit(read_records, site.api) if site and records is None else None
        look = pool.submit(site.view.look) if site else None
        seen = images.observe(workspace.docker, sources, state=workspace.state)
        references = {image.name: f"{image.name}:{image.tag}" for image in seen}
        kubernetes = version.result()
        rendering = [pool.submit(_render, workspace, name, references, kubernetes) for name in names]
        there = reading.result() if reading else records or {}
        charts = {name: future.result() for name, future in zip(names, rendering, strict=True)}
        live = _live(site, there, names) if site else {}
        known = node.result() if node else None
        namespace = workspace.project.cluster.namespace
        return Facts(
            sources={source.name: source for source in sources},
            images=tuple(_with_node(image, known) for image in seen),
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
