"""The charts as files: lint, package, README and shared files."""

from __future__ import annotations

import re
import tarfile
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
import yaml

from scripts.charts_doc import page, values
from scripts.sync_charts import main as sync_charts

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.helm.conftest import Chart

CHARTS = Path(__file__).parents[2] / "helm"
NAMES = ("backend", "frontend", "mcp")

SHARED = {str(path.relative_to(CHARTS / "shared")) for path in (CHARTS / "shared").rglob("*") if path.is_file()}
"""Files that every chart has a copy of."""

OWN = {"Chart.yaml", "values.yaml", "README.md"}
"""The other files of a package."""

COMBINATIONS = {f"ci/{name}-values.yaml" for name in ("default", "replicas", "existing-secret", "inside")}
"""Values for `test_combinations.py`, which are not packaged."""

DESCRIBED = re.compile(r"^ *# -- .+\n(?: *# .+\n)*(?P<indent> *)(?P<key>\w+):", re.MULTILINE)
LEAF = re.compile(r"^ *(?P<key>\w+):(?: \S.*|\n *- .*)$", re.MULTILINE)


@pytest.mark.process
def test_lint_has_neither_errors_nor_warnings(chart: Chart) -> None:
    """The chart passes a strict lint without any values (SC-011)."""
    done = chart.helm.lint([chart.folder])
    assert done.returncode == 0, done.stdout
    assert "1 chart(s) linted, 0 chart(s) failed" in done.stdout
    assert not re.search(r"\[(WARNING|ERROR)\]|level=(WARN|ERROR)", done.stdout + done.stderr)


@pytest.mark.process
def test_a_packaged_chart_runs_the_version_it_was_packaged_with(chart: Chart, tmp_path: Path) -> None:
    """An empty image tag means the appVersion that the chart was packaged with."""
    archive = chart.helm.package(chart.folder, tmp_path, app_version="0.0.0-abcdef123456")
    assert archive == tmp_path / f"ai-todo-{chart.name}-1.0.0.tgz"
    packaged = chart.at(archive)
    assert packaged.container(image={"tag": ""})["image"] == f"ai-todo-{chart.name}:0.0.0-abcdef123456"
    with tarfile.open(archive) as members:
        names = {name.partition("/")[2] for name in members.getnames()}
    assert names == (SHARED | OWN) - COMBINATIONS


def test_every_chart_has_its_tests() -> None:
    """These tests cover every chart."""
    assert {path.parent.name for path in CHARTS.glob("*/Chart.yaml")} == set(NAMES)


@pytest.mark.parametrize("name", NAMES)
def test_a_chart_has_one_template_for_each_kind(name: str) -> None:
    """The chart has the shared files, its own files and no others (FR-019)."""
    files = {str(path.relative_to(CHARTS / name)) for path in (CHARTS / name).rglob("*") if path.is_file()}
    assert files == SHARED | OWN | COMBINATIONS


@pytest.mark.parametrize("name", NAMES)
def test_the_readme_is_not_stale(name: str) -> None:
    """It matches Chart.yaml and the comments of values.yaml; `python -m scripts.charts_doc` writes it."""
    assert (CHARTS / name / "README.md").read_text(encoding="utf-8") == page(CHARTS / name)


@pytest.mark.parametrize("name", NAMES)
def test_the_readme_lists_every_value(name: str) -> None:
    """Every value has a row with its default (FR-017)."""
    defaults = yaml.safe_load((CHARTS / name / "values.yaml").read_text())
    listed = {value.key: value.default for value in values((CHARTS / name / "values.yaml").read_text())}
    assert listed == dict(leaves(defaults))


def leaves(content: dict[str, Any], above: str = "") -> Iterator[tuple[str, Any]]:
    """Yield the values of a nested mapping with the path of their keys, joined by dots."""
    for key, value in content.items():
        if isinstance(value, dict):
            yield from leaves(value, f"{above}{key}.")
        else:
            yield above + key, value


def test_the_copies_are_those_of_the_shared_files(capsys: pytest.CaptureFixture[str]) -> None:
    """No copy differs from helm/shared; `python -m scripts.sync_charts` writes the copies."""
    assert (sync_charts(["--check"]), capsys.readouterr().err) == (0, "")


@pytest.mark.parametrize("name", NAMES)
def test_the_chart_is_described_as_specified(name: str) -> None:
    """Chart.yaml has name and versions of the specification, and no dependencies."""
    described = yaml.safe_load((CHARTS / name / "Chart.yaml").read_text())
    assert described["apiVersion"] == "v2"
    assert described["name"] == f"ai-todo-{name}"
    assert (described["version"], described["appVersion"]) == ("1.0.0", "latest")
    assert described["dependencies"] == []
    assert described["description"]


@pytest.mark.parametrize("name", NAMES)
def test_every_value_is_described(name: str) -> None:
    """Each value has a `# --` comment above it (FR-017)."""
    text = (CHARTS / name / "values.yaml").read_text()
    leaves = [match["key"] for match in LEAF.finditer(text)]
    assert [match["key"] for match in DESCRIBED.finditer(text)] == leaves
    assert "replicaCount" in leaves


@pytest.mark.parametrize("path", sorted(SHARED))
def test_no_template_uses_random_values_time_or_the_cluster(path: str) -> None:
    """Functions whose result differs between two renders are not used."""
    text = (CHARTS / "shared" / path).read_text()
    assert not re.search(r"\b(rand\w+|now|date|uuidv4|gen[A-Z]\w+|derivePassword|htpasswd|lookup)\b", text)
