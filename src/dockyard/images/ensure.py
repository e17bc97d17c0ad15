"""Making sure that the image of a service is in the engine and is made from the sources as they are now."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

from dockyard.images.build import Builder, Recipe, build
from dockyard.images.fingerprint import fingerprint
from dockyard.model.errors import BuildError, RefusedError
from dockyard.model.events import Event
from dockyard.model.image import MAX_SIZE_MB
from dockyard.model.tag import LATEST, content_tag
from dockyard.tools.docker import FINGERPRINT

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from dockyard.model.events import Report
    from dockyard.model.project import ImageSpec
    from dockyard.tools.docker import ImageFacts


class Engine(Builder, Protocol):
    """What this module asks of the Docker engine."""

    def image(self, reference: str) -> ImageFacts | None:
        """Return the image of that name, or None."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Source:
    """What an image is made from, looked up.

    Attributes:
        name: The image's name.
        spec: What dockyard.yaml says of it.
        root: The project's root; paths of the specification start there.
        base: The base image: reference and id.
    """

    name: str
    spec: ImageSpec
    root: Path
    base: tuple[str, str]

    @property
    def arguments(self) -> Mapping[str, str]:
        """The build arguments, with the one that names the base image."""
        return {**self.spec.build_arguments, self.spec.base_image_argument: self.base[0]}

    def fingerprint(self) -> str:
        """Return the SHA-256 of all that the image is made from."""
        return fingerprint(
            self.root / self.spec.build_context,
            self.root / self.spec.dockerfile,
            arguments=self.arguments,
            base_id=self.base[1],
        )


@dataclass(frozen=True, slots=True)
class ImageAction:
    """What is done to one image, and why.

    Attributes:
        name: The image's name.
        tag: The tag it has, or will have.
        fingerprint: The SHA-256 of its sources.
        build: Whether it is built.
        reason: Why, or why not.
    """

    name: str
    tag: str
    fingerprint: str
    build: bool
    reason: str

    @property
    def reference(self) -> str:
        """Name and tag."""
        return f"{self.name}:{self.tag}"


def tag_for(spec: ImageSpec, sources: str) -> str:
    """Return the tag an image gets: `latest` means "follow the sources", so each content has a tag of its own."""
    return content_tag(sources) if spec.tag == LATEST else spec.tag


def plan_image(name: str, tag: str, sources: str, there: ImageFacts | None) -> ImageAction:
    """Decide whether an image must be built.

    Raises:
        RefusedError: A release's tag is there already, made from other sources; a release never changes.
    """
    if there is None:
        return ImageAction(name, tag, sources, build=True, reason="no image of these sources is there")
    if there.labels.get(FINGERPRINT) == sources:
        return ImageAction(name, tag, sources, build=False, reason="unchanged")
    raise RefusedError(
        f"The image {name}:{tag} is there already, made from other sources",
        why="A semantic version is a release, and a release never changes",
        fix="Raise `tag` in dockyard.yaml, or set it to latest to follow the sources",
    )


def ensure(engine: Engine, source: Source, report: Report, *, ca_bundle: Path | None) -> str:
    """Build an image where its sources have none yet.

    Returns:
        Its reference.

    Raises:
        BuildError: It could not be built, or it is larger than the specification allows.
    """
    sources = source.fingerprint()
    tag = tag_for(source.spec, sources)
    there = engine.image(f"{source.name}:{tag}")
    action = plan_image(source.name, tag, sources, there)
    if there is not None and not action.build:
        check_size(action.reference, there.size)
        report(Event(source.name, "Unchanged", action.reference))
        return action.reference
    report(Event(source.name, "Building", action.reason))
    recipe = Recipe(
        subject=source.name,
        reference=action.reference,
        context=source.root / source.spec.build_context,
        dockerfile=source.root / source.spec.dockerfile,
        arguments=source.arguments,
        fingerprint=sources,
        labels={"org.opencontainers.image.version": tag},
        ca_bundle=ca_bundle,
    )
    build(engine, recipe, report)
    built = engine.image(action.reference)
    if built is None:
        raise BuildError(f"The image {action.reference} was built and is not in the engine")
    check_size(action.reference, built.size)
    report(Event(source.name, "Built", f"{action.reference}, {built.size / 1e6:.0f} MB"))
    return action.reference


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
