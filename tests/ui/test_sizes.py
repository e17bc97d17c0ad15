"""Image sizes as a person reads them."""

from __future__ import annotations

import pytest

from dockyard.images.size import ImageSize, SizeReport, Weight
from dockyard.tools.docker import LayerFacts
from dockyard.ui.screen import Screen
from dockyard.ui.sizes import BAR, STEP_WIDTH, print_sizes
from tests.fakes import FakeClock

MB = 1_000_000
RUN = "RUN /bin/sh -c apt-get   install \\\n python3 # buildkit"
OLD = '/bin/sh -c #(nop)  CMD ["python3"]'


def image(name: str, size: int, *layers: LayerFacts) -> ImageSize:
    """Return an image's size."""
    return ImageSize(name, f"{name}:1", size, layers)


def shown(
    capsys: pytest.CaptureFixture[str], *images: ImageSize, layers: int = 5, weight: Weight | None = None
) -> list[str]:
    """Print a report; return its lines."""
    report = SizeReport(images, sum(one.size for one in images))
    print_sizes(Screen(FakeClock()), report, layers=layers, weight=weight)
    return [line.rstrip() for line in capsys.readouterr().out.splitlines()]


def test_each_image_stands_against_its_limit(capsys: pytest.CaptureFixture[str]) -> None:
    """A row for each, then the sum; what does not fit cannot be missed, and the basis is named."""
    lines = shown(capsys, image("backend", 260 * MB), image("mcp", 90_460_000))
    assert [line.split() for line in lines[:4]] == [
        ["image", "MB", "less", "than", "fits"],
        ["backend", "260.0", "250", "NO"],
        ["mcp", "90.5", "250", "yes"],
        ["all", "350.5", "500", "NO"],
    ]
    assert lines[4] == "MB are 1,000,000 bytes of uncompressed layers, as `docker image inspect` reports them."


def test_what_fits_says_so(capsys: pytest.CaptureFixture[str]) -> None:
    """No image and no sum is too large."""
    lines = shown(capsys, image("a", 249 * MB), image("b", 249 * MB))
    assert [line.split()[-1] for line in lines[1:4]] == ["yes", "yes", "yes"]


def test_the_largest_layers_have_bars(capsys: pytest.CaptureFixture[str]) -> None:
    """Bars of all images have one scale; the smallest layer still has a mark."""
    lines = shown(
        capsys,
        image("a", 90 * MB, LayerFacts("COPY lib", 60 * MB), LayerFacts("COPY bin", 30 * MB), LayerFacts("COPY x", 1)),
        image("b", 15 * MB, LayerFacts("COPY app", 15 * MB)),
    )
    bars = {" ".join(line.split()[:2]): line.count("█") for line in lines if "COPY" in line}
    assert bars == {"COPY lib": BAR, "COPY bin": BAR // 2, "COPY x": 1, "COPY app": round(BAR / 4)}
    assert "a:1: largest layers" in "\n".join(lines)


def test_only_some_layers_are_shown(capsys: pytest.CaptureFixture[str]) -> None:
    """As many as asked for, of each image."""
    steps = [LayerFacts(f"COPY {at}", MB) for at in range(9)]
    assert sum("COPY" in line for line in shown(capsys, image("a", MB, *steps), image("b", MB, *steps), layers=2)) == 4


@pytest.mark.parametrize(
    ("created_by", "instruction"),
    [
        (RUN, "RUN /bin/sh -c apt-get install \\ python3 # buildkit"),
        (OLD, 'CMD ["python3"]'),
        ("/bin/sh -c make", "make"),
        ("COPY " + "x" * 100, "COPY " + "x" * (STEP_WIDTH - 5)),
        ("RUN test [red] = [/red]", "RUN test [red] = [/red]"),
    ],
)
def test_instructions_are_short(capsys: pytest.CaptureFixture[str], created_by: str, instruction: str) -> None:
    """One line each, without what the classic builder puts before them."""
    lines = shown(capsys, image("a", MB, LayerFacts(created_by, MB)))
    assert lines[-1].startswith(f"{instruction} ")
    assert lines[-1].removeprefix(instruction).split() == ["1.0", "█" * BAR]


def test_a_weight_is_told(capsys: pytest.CaptureFixture[str]) -> None:
    """What a registry would keep, where it was measured."""
    lines = shown(capsys, image("a", MB), weight=Weight(300 * MB, 101_230_000))
    assert "Shared layers once: 300.0 MB; the same layers compressed (gzip): 101.2 MB." in lines


def test_images_without_layers_are_shown(capsys: pytest.CaptureFixture[str]) -> None:
    """An empty image is no division by zero, and without a weight none is told."""
    lines = shown(capsys, image("a", 0))
    assert lines[1].split() == ["a", "0.0", "250", "yes"]
    assert not any("gzip" in line for line in lines)
