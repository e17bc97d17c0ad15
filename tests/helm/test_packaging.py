"""The charts as files: lint, package, and what keeps three charts alike."""

from __future__ import annotations

import re
import tarfile
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
import yaml

from scripts.charts_doc import page, values

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.helm.conftest import Chart

CHARTS = Path(__file__).parents[2] / "helm"
NAMES = ("backend", "frontend", "mcp")

SHARED = (
    ".helmignore",
    "values.schema.json",
    "templates/NOTES.txt",
    "templates/_helpers.tpl",
    "templates/configmap.yaml",
    "templates/deployment.yaml",
    "templates/networkpolicy.yaml",
    "templates/poddisruptionbudget.yaml",
    "templates/secret.yaml",
    "templates/service.yaml",
    "templates/tests/ready.yaml",
)
"""Files whose text is the same in every chart."""

OWN = {"Chart.yaml", "values.yaml", "README.md"}

COMBINATIONS = {f"ci/{name}-values.yaml" for name in ("default", "replicas", "existing-secret", "inside")}
"""Values that the chart is tested with (`test_combinations.py`); they are not packaged."""

DESCRIBED = re.compile(r"^ *# -- .+\n(?: *# .+\n)*(?P<indent> *)(?P<key>\w+):", re.MULTILINE)
LEAF = re.compile(r"^ *(?P<key>\w+):(?: \S.*|\n *- .*)$", re.MULTILINE)


@pytest.mark.process
def test_lint_has_neither_errors_nor_warnings(chart: Chart) -> None:
    """The chart passes a strict lint as it stands, without values (SC-011)."""
    done = chart.helm.lint([chart.folder])
    assert done.returncode == 0, done.stdout
    assert "1 chart(s) linted, 0 chart(s) failed" in done.stdout
    assert not re.search(r"\[(WARNING|ERROR)\]|level=(WARN|ERROR)", done.stdout + done.stderr)


@pytest.mark.process
def test_a_packaged_chart_runs_the_version_it_was_packaged_with(chart: Chart, tmp_path: Path) -> None:
    """The appVersion of the package is the image's tag, where the values leave the tag open."""
    archive = chart.helm.package(chart.folder, tmp_path, app_version="0.0.0-abcdef123456")
    assert archive == tmp_path / f"ai-todo-{chart.name}-1.0.0.tgz"
    packaged = chart.at(archive)
    assert packaged.container(image={"tag": ""})["image"] == f"ai-todo-{chart.name}:0.0.0-abcdef123456"
    with tarfile.open(archive) as members:
        names = {name.partition("/")[2] for name in members.getnames()}
    assert names == {*SHARED, *OWN}


def test_every_chart_has_its_tests() -> None:
    """A chart that these tests do not know fails them."""
    assert {path.parent.name for path in CHARTS.glob("*/Chart.yaml")} == set(NAMES)


@pytest.mark.parametrize("name", NAMES)
def test_a_chart_has_one_template_for_each_kind(name: str) -> None:
    """The chart holds the shared files and its own two, and no others (FR-019)."""
    files = {str(path.relative_to(CHARTS / name)) for path in (CHARTS / name).rglob("*") if path.is_file()}
    assert files == {*SHARED, *OWN, *COMBINATIONS}


@pytest.mark.parametrize("name", NAMES)
def test_the_readme_is_not_stale(name: str) -> None:
    """It is what Chart.yaml and the comments of values.yaml give; `python scripts/charts_doc.py` writes it."""
    assert (CHARTS / name / "README.md").read_text(encoding="utf-8") == page(CHARTS / name)


@pytest.mark.parametrize("name", NAMES)
def test_the_readme_lists_every_value(name: str) -> None:
    """A value without a row, or with another default, does not pass (FR-017)."""
    defaults = yaml.safe_load((CHARTS / name / "values.yaml").read_text())
    listed = {value.key: value.default for value in values((CHARTS / name / "values.yaml").read_text())}
    assert listed == dict(leaves(defaults))


def leaves(content: dict[str, Any], above: str = "") -> Iterator[tuple[str, Any]]:
    """Yield what stands in a mapping, mappings in it included, by dotted key."""
    for key, value in content.items():
        if isinstance(value, dict):
            yield from leaves(value, f"{above}{key}.")
        else:
            yield above + key, value


@pytest.mark.parametrize("path", SHARED)
def test_what_the_charts_share_is_the_same_text(path: str) -> None:
    """A change in one chart is made in all: charts without dependencies have no other way to share."""
    assert len({(CHARTS / name / path).read_text() for name in NAMES}) == 1


@pytest.mark.parametrize("name", NAMES)
def test_the_chart_is_described_as_specified(name: str) -> None:
    """Chart.yaml has the specification's name, versions and empty dependencies."""
    described = yaml.safe_load((CHARTS / name / "Chart.yaml").read_text())
    assert described["apiVersion"] == "v2"
    assert described["name"] == f"ai-todo-{name}"
    assert (described["version"], described["appVersion"]) == ("1.0.0", "latest")
    assert described["dependencies"] == []
    assert described["description"]


@pytest.mark.parametrize("name", NAMES)
def test_every_value_is_described(name: str) -> None:
    """Each value has a comment that begins with `# --` above it (FR-017)."""
    text = (CHARTS / name / "values.yaml").read_text()
    leaves = [match["key"] for match in LEAF.finditer(text)]
    assert [match["key"] for match in DESCRIBED.finditer(text)] == leaves
    assert "replicaCount" in leaves


@pytest.mark.parametrize("path", SHARED)
def test_no_template_asks_for_chance_time_or_the_cluster(path: str) -> None:
    """Functions whose answer differs from one render to the next are not used."""
    text = (CHARTS / "backend" / path).read_text()
    assert not re.search(r"\b(rand\w+|now|date|uuidv4|gen[A-Z]\w+|derivePassword|htpasswd|lookup)\b", text)
