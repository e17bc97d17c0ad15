"""Making the image of a service as it was planned."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

from dockyard.images.build import Builder, BuildSpec, build_image
from dockyard.images.observe import Source, remember
from dockyard.images.plan import check_size
from dockyard.model.errors import BuildError
from dockyard.model.events import Event

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

    from dockyard.images.plan import ImageAction
    from dockyard.model.events import Report
    from dockyard.tools.docker import ImageFacts


class Engine(Builder, Protocol):
    """What this module asks of the Docker engine."""

    def image(self, reference: str) -> ImageFacts | None:
        """Return the image of that name, or None."""

    def remove_images(self, references: Iterable[str]) -> None:
        """Remove names of images."""


def make(  # noqa: PLR0913 - the engine, what is made, and the three that a build needs beside
    engine: Engine, source: Source, action: ImageAction, report: Report, *, state: Path, ca_bundle: Path | None
) -> None:
    """Build an image.

    Args:
        engine: The Docker engine.
        source: What it is made from.
        action: What was planned.
        report: Told of each step.
        state: The folder of what can be made again.
        ca_bundle: The machine's certificates, where they are its own.

    Raises:
        BuildError: It could not be built, it is larger than the specification allows, or its sources changed while it
            was built: its tag would say what is not so.
    """
    report(Event(source.name, "Building", action.reason))
    spec = BuildSpec(
        subject=source.name,
        reference=action.reference,
        context=source.context,
        dockerfile=source.dockerfile,
        arguments=source.arguments,
        fingerprint=action.sources,
        labels={"org.opencontainers.image.version": action.tag},
        ca_bundle=ca_bundle,
    )
    build_image(engine, spec, report)
    there = source.files()
    if source.fingerprint(there) != action.sources:
        engine.remove_images([action.reference])
        raise BuildError(
            f"The sources of {source.name} changed while it was built",
            why="Its tag is the fingerprint of what they were before",
            fix="Run the same command again",
        )
    built = engine.image(action.reference)
    if built is None:
        raise BuildError(f"The image {action.reference} was built and is not in the engine")
    check_size(action.reference, built.size)
    remember(state, source.name, there)
    report(Event(source.name, "Built", f"{action.reference}, {built.size / 1e6:.0f} MB"))
