"""The task that writes the report."""

from __future__ import annotations

import webbrowser
from base64 import b64encode
from pathlib import Path
from types import SimpleNamespace

import pytest

from dockyard import journal
from dockyard.cli import wiring
from dockyard.images import size
from dockyard.journal import Journal
from dockyard.model.errors import BuildError, ClusterError
from dockyard.model.events import Began, Ended
from dockyard.model.redaction import Redactor
from dockyard.releases import records, site, status
from dockyard.tools.docker import LayerFacts
from dockyard.ui.report import STEP_WIDTH
from dockyard.ui.stream import Stream
from tests.cli.conftest import Inv
from tests.fakes import FakeApi
from tests.ui.samples import AT, DEPLOY

SIZES = size.SizeReport((size.ImageSize("api", "api:1", 1, ()),), 1)


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return a project's folder whose engine and cluster do not answer."""
    order = SimpleNamespace(name="app", images={"api": None}, order=lambda: ("api", "web"))
    made = SimpleNamespace(state=tmp_path / ".dockyard", project=order, docker=None, redactor=Redactor())

    def no_images(_engine: object, _names: object) -> size.SizeReport:
        raise BuildError("Not built yet: api", fix="Run `./inv build`")

    def no_cluster(_workspace: object) -> object:
        raise ClusterError("The cluster dockyard does not run")

    monkeypatch.setattr(wiring, "open_workspace", lambda **_: made)
    monkeypatch.setattr(size, "report_sizes", no_images)
    monkeypatch.setattr(site, "connect", no_cluster)
    return tmp_path


def test_the_report_needs_no_cluster(inv: Inv, project: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """What it lacks is said, on the screen and on the page."""
    stream = Stream((Journal(project / ".dockyard" / journal.FILE),))
    for event in DEPLOY:
        stream(event)
    assert inv("report") == 0
    path = project / ".dockyard" / "report.html"
    assert capsys.readouterr().out.splitlines() == [
        "The report lacks the sizes of images: Not built yet: api. Run `./inv build`.",
        "The report lacks the history of releases: The cluster dockyard does not run.",
        f"The report is {path}.",
    ]
    text = path.read_text(encoding="utf-8")
    assert "The history of releases: The cluster dockyard does not run." in text
    assert "api: container app ended with exit code 3 twice." in text


def test_the_report_has_what_can_be_asked(inv: Inv, project: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Sizes, and the history of the releases that are installed."""
    monkeypatch.setattr(size, "report_sizes", lambda _engine, _names: SIZES)
    monkeypatch.setattr(site, "connect", lambda _workspace: SimpleNamespace(api=FakeApi()))
    monkeypatch.setattr(records, "read_records", lambda _api: {"web": None})
    monkeypatch.setattr(status, "history", lambda _site, name: () if name == "web" else None)
    assert inv("report") == 0
    text = (project / ".dockyard" / "report.html").read_text(encoding="utf-8")
    assert "web: 0 revisions, the newest first" in text
    assert "<h3>api</h3>" in text
    assert "What this page lacks" not in text


def test_no_source_of_the_report_puts_a_value_into_it(inv: Inv, project: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Helm's remark has one that only the cluster knows, a step of an image one that is cut, the journal an old one."""
    api, values = FakeApi(), ("x7Kq2mVp9TzR4wYb", "q8Lr3nWq0UaS5xZc")
    data = {"KEY": b64encode(values[0].encode()).decode()}
    api.put({"kind": "Secret", "apiVersion": "v1", "metadata": {"name": "web"}, "type": "Opaque", "data": data})
    revision = status.HistoryEntry(1, AT, "failed", good=False, tag="v1", remark=f"it is {values[0]}")
    wiring.open_workspace().redactor.learn({"OTHER": values[1]})
    layer = LayerFacts(f"RUN {'x' * (STEP_WIDTH - 12)}{values[1]}", 1)
    sizes = size.SizeReport((size.ImageSize("api", "api:1", 1, (layer,)),), 1)
    monkeypatch.setattr(size, "report_sizes", lambda _engine, _names: sizes)
    monkeypatch.setattr(site, "connect", lambda _workspace: SimpleNamespace(api=api))
    monkeypatch.setattr(records, "read_records", lambda _api: {"web": None})
    monkeypatch.setattr(status, "history", lambda _site, _name: (revision,))
    stream = Stream((Journal(project / ".dockyard" / journal.FILE),))
    stream(Began("deploy", "Began", command="deploy"))
    stream(Ended("deploy", "Failed", f"it was {values[0]}", exit_code=1))
    assert inv("report") == 0
    text = (project / ".dockyard" / "report.html").read_text(encoding="utf-8")
    assert not any(value[:6] in text for value in values)
    assert "it is ***" in text
    assert "it was ***" in text


@pytest.mark.parametrize(("opens", "said"), [(True, False), (False, True)])
def test_the_report_is_shown_where_that_is_asked_for(  # noqa: PLR0913 - each is one part of it
    *,
    opens: bool,
    said: bool,
    inv: Inv,
    project: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    """A machine without a browser says so, and ends well."""
    shown: list[str] = []

    def browse(url: str) -> bool:
        shown.append(url)
        return opens

    monkeypatch.setattr(webbrowser, "open", browse)
    assert inv("report", "--open") == 0
    assert shown == [(project / ".dockyard" / "report.html").as_uri()]
    assert ("No browser could be started." in capsys.readouterr().out) is said
