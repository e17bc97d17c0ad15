"""Tasks of the images."""

from __future__ import annotations

import json
from typing import Any

import pytest

from dockyard import deploy
from dockyard.images import size
from dockyard.images.size import ImageSize, SizeReport, Weight
from dockyard.model.errors import ClusterError
from dockyard.tools.docker import LayerFacts
from tests.cli.conftest import Inv
from tests.fakes import FakeWorkspace


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch) -> list[Any]:
    """What was built and loaded; nothing is."""
    calls: list[Any] = []

    def built(_workspace: object, names: tuple[str, ...], _report: object) -> dict[str, str]:
        calls.append(("build", names))
        return {name: f"{name}:v1" for name in names}

    def loaded(_workspace: object, references: tuple[str, ...], _report: object) -> None:
        calls.append(("load", references))

    monkeypatch.setattr(deploy, "build_images", built)
    monkeypatch.setattr(deploy, "load_images", loaded)
    return calls


@pytest.mark.usefixtures("workspace")
def test_build_builds_every_image(inv: Inv, asked: list[Any]) -> None:
    """And loads none: no cluster is needed."""
    assert inv("build") == 0
    assert asked == [("build", ("api-image",))]


@pytest.mark.usefixtures("workspace")
def test_load_builds_first(inv: Inv, asked: list[Any]) -> None:
    """What is loaded is what the sources are now."""
    assert inv("load") == 0
    assert asked == [("build", ("api-image",)), ("load", ("api-image:v1",))]


def test_load_without_a_cluster_builds_nothing(
    inv: Inv, workspace: FakeWorkspace, asked: list[Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Minutes of building would be for nothing."""

    def stopped(_namespace: str) -> None:
        raise ClusterError("The cluster is stopped")

    monkeypatch.setattr(workspace.cluster, "target", stopped)
    assert inv("load") == 1
    assert asked == []


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
