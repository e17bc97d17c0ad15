"""Charts made ready; Helm itself is a stand-in here, tests/helm renders with the real ones."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import pytest

from dockyard.charts.manifests import Manifests
from dockyard.charts.render import KEPT, Rendered, render, values_for
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

    def write(self, name: str, text: str) -> None:
        """Write a file of the chart."""
        (self.root / "helm" / "web" / name).write_text(text, encoding="utf-8")

    @property
    def packaged(self) -> int:
        """How often Helm packaged it."""
        return sum(call.startswith("package") for call in self.helm.calls)

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
    assert (made.tag, made.archive.name) == ("v1", "web.tgz")
    assert made.archive.is_relative_to(chart.root / "out" / "charts" / "web")
    assert [str(name) for name in made.manifests.objects] == ["service/web"]
    assert made.archive.is_file()


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


def test_a_chart_is_packaged_once_for_its_content(chart: Chart) -> None:
    """A start of Helm each is what an unchanged deploy would pay."""
    first = chart.render()
    assert (chart.render().archive, chart.packaged) == (first.archive, 1)


@pytest.mark.parametrize("change", ["a file changed", "a file more", "a file renamed", "another tag"])
def test_another_content_is_packaged_anew(chart: Chart, change: str) -> None:
    """Whatever goes into an archive; the one before stays what it was."""
    chart.write("values.yaml", "a: 1")
    first = chart.render()
    if change == "a file changed":
        chart.write("values.yaml", "a: 2")
    elif change == "a file more":
        chart.write("notes", "")
    elif change == "a file renamed":
        (chart.root / "helm/web/values.yaml").rename(chart.root / "helm/web/value.yaml")
    second = chart.render("web:v2" if change == "another tag" else "web:v1")
    assert chart.packaged == 2
    assert first.archive != second.archive
    assert first.archive.is_file()


def test_what_a_link_to_a_folder_leads_to_counts(chart: Chart, tmp_path: Path) -> None:
    """Helm follows it; charts share templates that way."""
    shared = tmp_path / "shared"
    shared.mkdir()
    (shared / "a.yaml").write_text("a: 1", encoding="utf-8")
    (chart.root / "helm/web/shared").symlink_to(shared)
    first = chart.render().archive
    (shared / "a.yaml").write_text("a: 2", encoding="utf-8")
    assert chart.render().archive != first


def test_files_do_not_run_into_each_other(chart: Chart) -> None:
    """The same bytes, cut in another place."""
    chart.write("a", "bc")
    first = chart.render().archive
    (chart.root / "helm/web/a").unlink()
    chart.write("ab", "c")
    assert chart.render().archive != first


def test_a_torn_archive_is_never_found(chart: Chart, monkeypatch: pytest.MonkeyPatch) -> None:
    """Helm is killed while it writes: the next run packages again, and nothing half-made is left behind."""
    package = chart.helm.package

    def killed(source: Path, folder: Path, *, app_version: str | None) -> Path:
        package(source, folder, app_version=app_version).write_text("half", encoding="utf-8")
        raise KeyboardInterrupt

    monkeypatch.setattr(chart.helm, "package", killed)
    with pytest.raises(KeyboardInterrupt):
        chart.render()
    monkeypatch.undo()
    assert chart.render().archive.read_bytes() == b""
    assert [path.name for path in (chart.root / "out/charts/web").iterdir()] == [chart.render().archive.parent.name]


def test_old_archives_go(chart: Chart) -> None:
    """The latest are kept, the one in use among them; other releases have folders of their own."""
    made = []
    for number in range(KEPT + 3):
        archive = chart.render(f"web:v{number}").archive
        os.utime(archive.parent, (number, number))
        made.append(archive)
    assert [archive.is_file() for archive in made] == [False] * 3 + [True] * KEPT


def test_a_chart_that_cannot_be_read_is_told(chart: Chart, monkeypatch: pytest.MonkeyPatch) -> None:
    """With the file."""

    def refuse(path: Path) -> bytes:
        raise PermissionError(13, "Permission denied", str(path))

    monkeypatch.setattr(Path, "read_bytes", refuse)
    with pytest.raises(BuildError, match=r"Chart\.yaml cannot be read\. Permission denied"):
        chart.render()


def test_templates_are_told_the_clusters_version(chart: Chart, monkeypatch: pytest.MonkeyPatch) -> None:
    """A chart may ask for it: what is rendered without it would differ from what is sent, at each deploy."""
    told: list[object] = []

    def template(*_: object, **options: object) -> str:
        told.append(options["kubernetes_version"])
        return SERVICE

    monkeypatch.setattr(chart.helm, "template", template)
    render(
        chart.helm,
        "web",
        spec(),
        None,
        root=chart.root,
        folder=chart.root / "out",
        secrets={},
        namespace="default",
        kubernetes_version="v1.36.3",
    )
    assert told == ["v1.36.3"]
