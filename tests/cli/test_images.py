"""Tasks of the images."""

from __future__ import annotations

import json
from collections.abc import Iterable
from typing import Any

import pytest

from dockyard.deploy import pipeline
from dockyard.images import size
from dockyard.images.size import ImageSize, SizeReport, Weight
from dockyard.releases.prune import Pruned
from dockyard.tools.docker import LayerFacts
from tests.cli.conftest import Inv
from tests.fakes import FakeWorkspace


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch) -> list[Any]:
    """What was built and loaded; nothing is."""
    calls: list[Any] = []

    def built(_workspace: object, names: Iterable[str], _report: object, *, jobs: int) -> None:
        calls.append(("build", tuple(names), jobs >= 4))

    def loaded(_workspace: object, _report: object, *, jobs: int) -> None:
        calls.append(("load", jobs >= 4))

    monkeypatch.setattr(pipeline, "build", built)
    monkeypatch.setattr(pipeline, "load_all", loaded)
    return calls


@pytest.mark.usefixtures("workspace")
def test_build_builds_every_image(inv: Inv, asked: list[Any]) -> None:
    """Several at a time, and loads none."""
    assert inv("build") == 0
    assert asked == [("build", ("api-image",), True)]


@pytest.mark.usefixtures("workspace")
def test_load_does_both(inv: Inv, asked: list[Any]) -> None:
    """The layer below builds what changed first."""
    assert inv("load") == 0
    assert asked == [("load", True)]


def test_build_needs_no_cluster(inv: Inv, sources: FakeWorkspace, capsys: pytest.CaptureFixture[str]) -> None:
    """From the command line to the engine; a second build does nothing."""
    sources.cluster.running = False
    assert inv("build") == inv("build") == 0
    assert [context.name for context, _ in sources.docker.built] == ["api"]
    assert capsys.readouterr().err.rpartition("api-image")[0].count("Built") == 1


def test_load_without_a_cluster_builds_nothing(
    inv: Inv, sources: FakeWorkspace, capsys: pytest.CaptureFixture[str]
) -> None:
    """Minutes of building would be for nothing."""
    sources.cluster.running = False
    assert inv("load") == 1
    assert "does not run." in capsys.readouterr().err
    assert sources.docker.built == []


@pytest.mark.parametrize(("argv", "verb"), [([], "removed"), (["--dry-run"], "would be removed")])
@pytest.mark.usefixtures("workspace")
def test_pruning_shows_what_goes_from_where(
    inv: Inv, monkeypatch: pytest.MonkeyPatch, argv: list[str], verb: str, capsys: pytest.CaptureFixture[str]
) -> None:
    """A row each; a dry run is asked for as one."""
    asked: list[bool] = []

    def prune(_workspace: object, _report: object, _how: object, *, dry_run: bool) -> Pruned:
        asked.append(dry_run)
        return Pruned(("api-image:old",), ("api-image:older",))

    monkeypatch.setattr(pipeline, "prune", prune)
    assert inv("images.prune", *argv) == 0
    lines = [line.split(maxsplit=1) for line in capsys.readouterr().out.splitlines()]
    assert lines == [["where", verb], ["node", "api-image:old"], ["engine", "api-image:older"]]
    assert asked == [bool(argv)]


@pytest.mark.usefixtures("workspace")
def test_pruning_nothing_says_so(inv: Inv, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    """An empty table says nothing."""
    monkeypatch.setattr(pipeline, "prune", lambda *_, **__: Pruned((), ()))
    assert inv("images.prune") == 0
    assert capsys.readouterr().out == "Every image is needed.\n"


@pytest.fixture
def sizes(workspace: FakeWorkspace, monkeypatch: pytest.MonkeyPatch) -> dict[str, int]:
    """What each image measures, by name; one of 100 MB."""
    measured = {"api-image": 100_000_000}

    def report(docker: object, names: tuple[str, ...]) -> SizeReport:
        assert docker is workspace.docker
        images = tuple(ImageSize(name, f"{name}:v1", measured[name], (LayerFacts("COPY . .", 9),)) for name in names)
        return SizeReport(images, sum(image.size for image in images))

    monkeypatch.setattr(size, "report_sizes", report)
    monkeypatch.setattr(size, "weigh", lambda _docker, references: Weight(len(references), 7))
    return measured


@pytest.mark.usefixtures("sizes")
def test_images_shows_sizes(inv: Inv, capsys: pytest.CaptureFixture[str]) -> None:
    """A table, and the largest layers."""
    assert inv("images") == 0
    out = capsys.readouterr().out
    assert "api-image  100.0" in out
    assert "COPY . ." in out


@pytest.mark.usefixtures("sizes")
def test_images_for_machines(inv: Inv, capsys: pytest.CaptureFixture[str]) -> None:
    """The weight is there only where it was asked for: it reads every layer."""
    assert inv("images", "--json") == 0
    shown = json.loads(capsys.readouterr().out)
    assert (shown["combined"], shown["weight"]) == (100_000_000, None)
    assert inv("images", "--json", "--weigh") == 0
    assert json.loads(capsys.readouterr().out)["weight"] == {"deduplicated": 1, "compressed": 7}


@pytest.mark.parametrize(("bytes_", "code"), [(249_999_999, 0), (250_000_000, 1)])
def test_check_fails_over_the_limit(inv: Inv, sizes: dict[str, int], bytes_: int, code: int) -> None:
    """Less than 250 MB; without --check it is only shown."""
    sizes["api-image"] = bytes_
    assert inv("images", "--check") == code
    assert inv("images") == 0


@pytest.mark.usefixtures("sizes")
def test_a_wrong_number_of_layers_is_a_sentence(inv: Inv, capsys: pytest.CaptureFixture[str]) -> None:
    """As for every number."""
    assert inv("images", "--layers", "many") == 1
    assert "--layers is 'many'." in capsys.readouterr().err
