"""How large the images are, and where the bytes are.

Basis: the sum of the uncompressed layers as `docker image inspect` reports it. What a registry would keep (compressed,
shared layers once) takes reading every layer, so it is measured only when asked for.
"""

from __future__ import annotations

import zlib
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

from dockyard.images.archive import CHUNK, read
from dockyard.model.errors import BuildError
from dockyard.model.image import MAX_COMBINED_MB, MAX_SIZE_MB

if TYPE_CHECKING:
    import subprocess
    from collections.abc import Sequence
    from contextlib import AbstractContextManager

    from dockyard.images.archive import Layer
    from dockyard.tools.docker import ImageFacts, LayerFacts

MEGABYTE = 1_000_000
BASIS = "uncompressed layers, as `docker image inspect` reports them"


class Images(Protocol):
    """What measuring asks of the Docker engine."""

    def images_labelled(self, kind: str) -> tuple[ImageFacts, ...]:
        """Return every image that Dockyard made as a kind."""

    def history(self, reference: str) -> tuple[LayerFacts, ...]:
        """Return the steps of an image, newest first."""


class Archives(Protocol):
    """What weighing asks of the Docker engine."""

    def saving(self, reference: str) -> AbstractContextManager[subprocess.Popen[bytes]]:
        """Give the archive of an image as standard output."""


@dataclass(frozen=True, slots=True)
class ImageSize:
    """One image.

    Attributes:
        name: Its name.
        reference: Name and tag.
        size: Bytes.
        layers: Its steps that added bytes, the largest first.
    """

    name: str
    reference: str
    size: int
    layers: tuple[LayerFacts, ...]

    @property
    def fits(self) -> bool:
        """Whether it keeps the limit for one image (SC-006)."""
        return self.size < MAX_SIZE_MB * MEGABYTE


@dataclass(frozen=True, slots=True)
class SizeReport:
    """All images of a project.

    Attributes:
        images: Each image's newest build.
        combined: Bytes of all of them.
        basis: What a size means here.
    """

    images: tuple[ImageSize, ...]
    combined: int
    basis: str = BASIS

    @property
    def fits(self) -> bool:
        """Whether every image and their sum keep their limits (SC-006)."""
        return all(image.fits for image in self.images) and self.combined < MAX_COMBINED_MB * MEGABYTE


def report_sizes(engine: Images, names: Sequence[str]) -> SizeReport:
    """Measure the newest build of each image.

    Raises:
        BuildError: An image has not been built.
    """
    newest: dict[str, tuple[str, ImageFacts]] = {}
    for facts in sorted(engine.images_labelled("image"), key=lambda facts: str(facts.created)):
        newest |= {tag.rpartition(":")[0]: (tag, facts) for tag in facts.tags}
    missing = [name for name in names if name not in newest]
    if missing:
        raise BuildError(f"Not built yet: {', '.join(missing)}", fix="Run `./inv build`")
    images = tuple(_measure(engine, name, *newest[name]) for name in names)
    return SizeReport(images, sum(image.size for image in images))


def _measure(engine: Images, name: str, reference: str, facts: ImageFacts) -> ImageSize:
    steps = sorted((step for step in engine.history(reference) if step.size), key=lambda step: -step.size)
    return ImageSize(name, reference, facts.size, tuple(steps))


@dataclass(frozen=True, slots=True)
class Weight:
    """What images weigh together, layer by layer.

    Attributes:
        deduplicated: Bytes of all layers, those that several images have counted once.
        compressed: Bytes of the same layers after gzip, as a registry would keep them.
    """

    deduplicated: int
    compressed: int


def weigh(engine: Archives, references: Sequence[str]) -> Weight:
    """Read every layer of some images: seconds for hundreds of megabytes."""
    sizes: dict[str, tuple[int, int]] = {}
    for reference in references:
        with engine.saving(reference) as saved:
            if saved.stdout is None:
                raise AssertionError
            with read(saved.stdout, frozenset(sizes)) as image:
                sizes |= {layer.digest: (layer.size, _compressed(layer)) for layer in image.missing}
    return Weight(sum(size for size, _ in sizes.values()), sum(packed for _, packed in sizes.values()))


def _compressed(layer: Layer) -> int:
    if layer.compressed or layer.content is None:
        return layer.size
    packer = zlib.compressobj(wbits=31)
    return sum(len(packer.compress(chunk)) for chunk in iter(lambda: _chunk(layer), b"")) + len(packer.flush())


def _chunk(layer: Layer) -> bytes:
    return layer.content.read(CHUNK) if layer.content else b""
