"""Image sizes as a person reads them: a table against the budget, and bars for the largest layers."""

from __future__ import annotations

from typing import TYPE_CHECKING

from dockyard.model.image import MAX_COMBINED_MB, MAX_SIZE_MB

if TYPE_CHECKING:
    from collections.abc import Iterator

    from dockyard.images.size import ImageSize, SizeReport, Weight
    from dockyard.ui.screen import Screen

BAR = 30
"""Columns of the longest bar."""

STEP_WIDTH = 60
"""Characters of an instruction that are shown."""


def print_sizes(screen: Screen, report: SizeReport, *, layers: int, weight: Weight | None = None) -> None:
    """Print each image against its budget, then its largest layers."""
    rows: list[tuple[object, ...]] = [
        (image.name, f"{_mb(image.size):.1f}", MAX_SIZE_MB, "yes" if image.fits else "NO") for image in report.images
    ]
    rows.append(("all", f"{_mb(report.combined):.1f}", MAX_COMBINED_MB, "yes" if report.fits else "NO"))
    screen.table(("image", "MB", "less than", "fits"), rows)
    screen.say(f"MB are 1,000,000 bytes of {report.basis}.")
    if weight is not None:
        shared, packed = _mb(weight.deduplicated), _mb(weight.compressed)
        screen.say(f"Shared layers once: {shared:.1f} MB; the same layers compressed (gzip): {packed:.1f} MB.")
    largest = max((step.size for image in report.images for step in image.layers), default=1)
    for image in report.images:
        screen.say("")
        screen.table((f"{image.reference}: largest layers", "MB", ""), _layers(image, layers, largest))


def _layers(image: ImageSize, count: int, largest: int) -> Iterator[tuple[object, ...]]:
    for step in image.layers[:count]:
        instruction = " ".join(step.created_by.removeprefix("/bin/sh -c ").removeprefix("#(nop) ").split())
        bar = "█" * max(1, round(BAR * step.size / largest))
        yield instruction[:STEP_WIDTH], f"{_mb(step.size):.1f}", bar


def _mb(size: int) -> float:
    return size / 1_000_000
