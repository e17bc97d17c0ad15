"""Charts made ready; Helm itself is a stand-in here, tests/helm renders with the real ones."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from dockyard.charts.manifests import Manifests
from dockyard.charts.render import Rendered, render, values_for
from dockyard.charts.secret import checksum
from dockyard.model.errors import BuildError
from dockyard.model.project import ReleaseSpec
from tests.fakes import FakeHelm

SERVICE = "kind: Service\nmetadata: { name: web }\nspec: {}\n"
SPECIAL = "s,e\\c$ret#1"


def spec(**keys: object) -> ReleaseSpec:
    """Return a release as dockyard.yaml would have it."""
    return ReleaseSpec.model_validate({"chart": "helm/web", **keys})


VALUES: dict[str, tuple[dict[str, Any], str | None, dict[str, Any]]] = {
    "nothing": ({}, None, {}),
    "an image": ({}, "web:src-1", {"image": {"repository": "web", "tag": "src-1"}}),
    "an image of a registry with a port": (
        {},
        "localhost:5000/web:v1",
        {"image": {"repository": "localhost:5000/web", "tag": "v1"}},
    ),
    "configuration": ({"config": {"LOG_LEVEL": "1e5"}}, None, {"config": {"LOG_LEVEL": "1e5"}}),
    "a secret": ({"secrets": ["KEY"]}, None, {"secrets": {"KEY": SPECIAL}}),
    "a secret that Helm never sees": (
        {"secrets": ["KEY"], "existingSecret": "mine"},
        None,
        {
            "existingSecret": "mine",
            "secretChecksum": checksum(spec(secrets=["KEY"]), {"KEY": SPECIAL}),
        },
    ),
    "a secret without a value": ({"secrets": ["NONE"]}, None, {"secrets": {"NONE": ""}}),
}


@pytest.mark.parametrize(("keys", "reference", "values"), VALUES.values(), ids=VALUES)
def test_what_dockyard_adds(keys: dict[str, Any], reference: str | None, values: dict[str, Any]) -> None:
    """Image, configuration and secrets, as they are, and nothing that was not asked for."""
    assert values_for(spec(**keys), reference, {"KEY": SPECIAL, "OTHER": "x"}) == values


def test_secrets_stand_in_no_repr() -> None:
    """A log or a failed assertion shows reprs."""
    values = {"secrets": {"KEY": SPECIAL}}
    made = Rendered(release="web", tag="", archive=Path(), values=values, files=(), manifests=Manifests({}))
    assert SPECIAL not in repr(made)


class Chart:
    """A project folder with one chart, and a Helm for it.

    Attributes:
        root: The project's folder.
        helm: The stand-in.
    """

    def __init__(self, root: Path) -> None:
        self.root, self.helm = root, FakeHelm({"web": SERVICE})
        (root / "helm" / "web").mkdir(parents=True)
        (root / "helm" / "web" / "Chart.yaml").touch()

    def render(self, reference: str | None = "web:v1", **keys: object) -> Rendered:
        """Render it."""
        return render(
            self.helm,
            "web",
            spec(**keys),
            reference,
            root=self.root,
            folder=self.root / "out" / "charts",
            secrets={"KEY": SPECIAL},
            namespace="default",
        )


@pytest.fixture
def chart(tmp_path: Path) -> Chart:
    """The chart."""
    return Chart(tmp_path)


def test_a_chart_is_packaged_with_the_tag_of_its_image(chart: Chart) -> None:
    """data-model.md, section 2: the appVersion is the tag, so `helm list` tells what runs."""
    made = chart.render()
    assert chart.helm.calls == ["package web v1"]
    assert (made.tag, made.archive) == ("v1", chart.root / "out" / "charts" / "web.tgz")
    assert [str(name) for name in made.manifests.objects] == ["service/web"]
    assert made.archive.parent.is_dir()


def test_a_chart_without_an_image_keeps_its_own_version(chart: Chart) -> None:
    """Somebody else's chart knows its appVersion."""
    assert chart.render(None).tag == ""
    assert chart.helm.calls == ["package web None"]


def test_values_files_start_at_the_project(chart: Chart) -> None:
    """In the order of the file: the last wins."""
    made = chart.render(values=["helm/a.yaml", "helm/b.yaml"])
    assert made.files == (chart.root / "helm/a.yaml", chart.root / "helm/b.yaml")


def test_helm_renders_with_what_it_will_be_sent(chart: Chart) -> None:
    """Else the plan would compare something else than what is deployed."""
    made = chart.render(secrets=["KEY"])
    assert (
        chart.helm.values["web"]
        == made.values
        == {
            "image": {"repository": "web", "tag": "v1"},
            "secrets": {"KEY": SPECIAL},
        }
    )


def test_a_missing_chart_is_told_before_helm_runs(chart: Chart) -> None:
    """Helm's own words name a path that nobody wrote."""
    with pytest.raises(BuildError, match=r"Release web has no chart at helm/wbe"):
        chart.render(chart="helm/wbe")
    assert chart.helm.calls == []


def test_a_chart_that_does_not_render_says_why(chart: Chart) -> None:
    """Helm names file and line."""
    chart.helm.charts.clear()
    with pytest.raises(BuildError) as caught:
        chart.render()
    assert str(caught.value) == "The chart of release web does not render. Error: no template for web."
