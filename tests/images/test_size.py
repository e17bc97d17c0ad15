"""How large the images are."""

from __future__ import annotations

import gzip
import io
import json
import random
import tarfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import Any

import pytest

from dockyard.images.size import ImageSize, SizeReport, Weight, report_sizes, weigh
from dockyard.model.errors import BuildError
from dockyard.tools.docker import ImageFacts, LayerFacts

MB = 1_000_000


def facts(*tags: str, size: int = MB, minute: int = 0) -> ImageFacts:
    """Return an image with these names, built at that minute."""
    return ImageFacts(f"sha256:{tags}", tags, size, (), created=datetime(2026, 11, 23, 20, minute, tzinfo=UTC))


class Engine:
    """An engine with some images, each with the same history.

    Attributes:
        asked: Whose history was asked for.
    """

    def __init__(self, *images: ImageFacts, history: Sequence[LayerFacts] = ()) -> None:
        self._images, self._history = images, tuple(history)
        self.asked: list[str] = []

    def images_labelled(self, kind: str) -> tuple[ImageFacts, ...]:
        """Return all of them."""
        assert kind == "image"
        return self._images

    def history(self, reference: str) -> tuple[LayerFacts, ...]:
        """Return the history."""
        self.asked.append(reference)
        return self._history


def test_the_newest_build_counts() -> None:
    """Older builds of the same image stay for rollbacks; they are not what will run."""
    engine = Engine(
        facts("app:new", size=3 * MB, minute=2),
        facts("app:old", minute=1),
        facts("db:1", size=5 * MB),
        facts("other:1"),
    )
    report = report_sizes(engine, ["db", "app"])
    assert [(image.name, image.reference, image.size) for image in report.images] == [
        ("db", "db:1", 5 * MB),
        ("app", "app:new", 3 * MB),
    ]
    assert report.combined == 8 * MB
    assert engine.asked == ["db:1", "app:new"]


def test_a_registry_is_part_of_a_name() -> None:
    """Its port is no tag."""
    report = report_sizes(Engine(facts("mirror:5000/app:1")), ["mirror:5000/app"])
    assert report.images[0].reference == "mirror:5000/app:1"


def test_layers_come_by_size() -> None:
    """Steps that added nothing are left out."""
    history = [LayerFacts("CMD", 0), LayerFacts("COPY", 2), LayerFacts("RUN", 9), LayerFacts("FROM", 5)]
    (image,) = report_sizes(Engine(facts("app:1"), history=history), ["app"]).images
    assert [(step.created_by, step.size) for step in image.layers] == [("RUN", 9), ("FROM", 5), ("COPY", 2)]


def test_images_that_are_not_built_are_named() -> None:
    """All of them at once, and how to build them."""
    with pytest.raises(BuildError, match=r"Not built yet: b, c\. Run `\./inv build`"):
        report_sizes(Engine(facts("a:1")), ["a", "b", "c"])


@pytest.mark.parametrize(
    ("sizes", "fits"),
    [
        ([], True),
        ([249_999_999], True),
        ([250_000_000], False),
        ([200 * MB, 200 * MB, 99_999_999], True),
        ([200 * MB, 200 * MB, 100 * MB], False),
        ([250_000_000, 1], False),
    ],
)
def test_each_and_all_have_a_limit(sizes: list[int], *, fits: bool) -> None:
    """Less than 250 MB each, less than 500 MB together (SC-006)."""
    images = tuple(ImageSize(str(at), f"{at}:1", size, ()) for at, size in enumerate(sizes))
    assert SizeReport(images, sum(sizes)).fits is fits


class Saved:
    """What reading an archive asks of a process.

    Attributes:
        stdout: The archive.
    """

    def __init__(self, content: bytes) -> None:
        self.stdout = io.BytesIO(content)


class Archives:
    """An engine that saves images of some layers."""

    def __init__(self, **images: Sequence[bytes]) -> None:
        self._images = images

    @contextmanager
    def saving(self, reference: str) -> Iterator[Any]:
        """Give the archive of an image."""
        layers = self._images[reference]
        names = [f"{at}/layer.tar" for at in range(len(layers))]
        files = {
            "config.json": b"{}",
            **dict(zip(names, layers, strict=True)),
            "manifest.json": json.dumps([{"Config": "config.json", "Layers": names}]).encode(),
        }
        out = io.BytesIO()
        with tarfile.open(fileobj=out, mode="w") as archive:
            for name, content in files.items():
                entry = tarfile.TarInfo(name)
                entry.size = len(content)
                archive.addfile(entry, io.BytesIO(content))
        yield Saved(out.getvalue())


NOISE = random.Random(1).randbytes(2 * MB)  # noqa: S311 - the same each time is the point
"""A large layer that does not compress."""

ZEROS = bytes(2 * MB)
"""A large layer that compresses to next to nothing."""


def test_shared_layers_weigh_once() -> None:
    """Neither a layer of two images nor one that an image has twice counts again."""
    engine = Archives(a=[NOISE, b"one" * 1000], b=[NOISE, ZEROS, ZEROS])
    assert weigh(engine, ["a", "b"]).deduplicated == 2 * MB + 3000 + 2 * MB


def test_compressed_is_what_gzip_makes() -> None:
    """Close to gzip's own figure: noise stays as large as it is, zeros vanish."""
    noise, zeros = (weigh(Archives(a=[layer]), ["a"]).compressed for layer in (NOISE, ZEROS))
    assert 2 * MB < noise < 2.01 * MB
    assert zeros == pytest.approx(len(gzip.compress(ZEROS, 6)), rel=0.05)


def test_layers_that_are_compressed_weigh_what_they_are() -> None:
    """They are not packed again."""
    packed = gzip.compress(ZEROS, mtime=0)
    assert weigh(Archives(a=[packed]), ["a"]) == Weight(len(packed), len(packed))


def test_no_images_weigh_nothing() -> None:
    """The sum of nothing is 0."""
    assert weigh(Archives(), []) == Weight(0, 0)
