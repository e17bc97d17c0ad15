"""What an image needs, decided from facts alone."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from dockyard.model.errors import BuildError, RefusedError
from dockyard.model.image import MAX_SIZE_MB
from dockyard.model.tag import LATEST, content_tag
from dockyard.tools.docker import FINGERPRINT

if TYPE_CHECKING:
    from collections.abc import Mapping

    from dockyard.model.project import ImageSpec
    from dockyard.tools.docker import ImageFacts

SHOWN = 3
"""Changed files that a reason names before it counts the rest."""

UNKNOWN = ""
"""The fingerprint of an image whose base image is not there yet."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ImageSeen:
    """What is known of one image before anything is done.

    Attributes:
        name: The image's name.
        tag: The tag that its sources have now; that of nothing where `sources` is UNKNOWN.
        sources: The fingerprint of its sources, or UNKNOWN.
        host: The image of that tag in the Docker engine, or None.
        node: `sha256:...` of the image of that tag in the cluster's node; empty where there is none.
        node_known: Whether the node was asked at all.
        files: What stands at each path of the build context now.
        built: The same for the image that was built last here, or None.
        build_first: Whether it is built before the node can be asked, because the engine lacks it.
    """

    name: str
    tag: str
    sources: str
    host: ImageFacts | None = None
    node: str = ""
    node_known: bool = True
    files: Mapping[str, str] = field(default_factory=dict, repr=False)
    built: Mapping[str, str] | None = field(default=None, repr=False)
    build_first: bool = False


@dataclass(frozen=True, slots=True)
class ImageAction:
    """What is done to one image, and why.

    Attributes:
        name: The image's name.
        tag: The tag it has, or will have.
        sources: The fingerprint of its sources; UNKNOWN until its base image is had.
        build: Whether it is built.
        load: Whether it is loaded into the node.
        reason: Why, or why not.
    """

    name: str
    tag: str
    sources: str
    build: bool
    load: bool
    reason: str

    @property
    def reference(self) -> str:
        """Name and tag."""
        return f"{self.name}:{self.tag}"


def tag_for(spec: ImageSpec, sources: str) -> str:
    """Return the tag an image gets: `latest` means "follow the sources", so each content has a tag of its own."""
    return content_tag(sources) if spec.tag == LATEST else spec.tag


def plan_image(seen: ImageSeen) -> ImageAction:
    """Decide whether an image is built and loaded.

    An image that the node has under its content tag is made of these sources, wherever it was built. That decides where
    the engine knows images by their manifests: a node knows them by their configurations.

    Raises:
        RefusedError: A release's tag is there already, made from other sources; a release never changes.
        BuildError: It was built and is larger than the specification allows: running again does not make it fit.
    """
    if seen.sources == UNKNOWN:
        return _action(seen, "its base image is not in the engine yet", build=True, load=True)
    if seen.host is None:
        if seen.node and seen.tag == content_tag(seen.sources) and not seen.build_first:
            return _action(seen, "unchanged, in the node")
        return _action(seen, changed_files(seen.built, seen.files), build=True, load=True)
    if seen.host.labels.get(FINGERPRINT) != seen.sources:
        raise RefusedError(
            f"The image {seen.name}:{seen.tag} is there already, made from other sources",
            why="A semantic version is a release, and a release never changes",
            fix="Raise `tag` in dockyard.yaml, or set it to latest to follow the sources",
        )
    check_size(f"{seen.name}:{seen.tag}", seen.host.size)
    if seen.node == seen.host.id or (seen.node and seen.host.by_manifest and seen.tag == content_tag(seen.sources)):
        return _action(seen, "unchanged")
    if not seen.node_known:
        return _action(seen, "built already; the node was not asked", load=True)
    return _action(seen, "the node has another image of that tag" if seen.node else "not in the node", load=True)


def _action(seen: ImageSeen, reason: str, *, build: bool = False, load: bool = False) -> ImageAction:
    return ImageAction(seen.name, seen.tag, seen.sources, build=build, load=load, reason=reason)


def changed_files(before: Mapping[str, str] | None, now: Mapping[str, str]) -> str:
    """Return in words what changed in a build context since another build."""
    if before is None:
        return "no image of these sources is there"
    changed = sorted(path for path in before.keys() | now.keys() if before.get(path) != now.get(path))
    if not changed:
        return "its Dockerfile, a build argument or its base image changed"
    more = f" and {len(changed) - SHOWN} more" if changed[SHOWN:] else ""
    return f"{len(changed)} file{'s' if changed[1:] else ''} changed: {', '.join(changed[:SHOWN])}{more}"


def check_size(reference: str, size: int) -> None:
    """Hold an image to the specification's limit.

    Raises:
        BuildError: It is too large.
    """
    if size >= MAX_SIZE_MB * 1_000_000:
        raise BuildError(
            f"The image {reference} has {size / 1e6:.0f} MB",
            why=f"The specification allows less than {MAX_SIZE_MB} MB each (SC-006)",
            fix="`./inv images` shows which layers are large",
        )
