"""Everyday tasks: what is asked of the layers below, and what is shown of it."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from dockyard import deploy, prepare
from dockyard.cli import wiring
from dockyard.releases import rollback
from dockyard.releases.plan import ReleaseAction, Verb
from dockyard.releases.rollback import RolledBack
from dockyard.releases.verify import Served
from dockyard.tools.http import Answer
from tests.cli.conftest import Inv
from tests.fakes import FakeWorkspace

SERVED = Served("api", "http://127.0.0.1:30081", (Answer("http://127.0.0.1:30081/health", 200, "ok"),))


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch) -> list[Any]:
    """What the pipeline was asked for, in order; nothing is done."""
    calls: list[Any] = []

    def prepared(workspace: FakeWorkspace, names: tuple[str, ...], _report: object) -> FakeWorkspace:
        calls.append(("prepare", names))
        return workspace

    def brought(_workspace: object, names: tuple[str, ...], _report: object) -> tuple[deploy.Deployed, ...]:
        calls.append(("deploy", names))
        return (deploy.Deployed(ReleaseAction("api", Verb.INSTALL, ""), 1, (SERVED,)),)

    monkeypatch.setattr(prepare, "prepare", prepared)
    monkeypatch.setattr(deploy, "deploy", brought)
    return calls


@pytest.mark.usefixtures("workspace")
def test_a_deploy_brings_every_release_and_shows_where_it_serves(
    inv: Inv, asked: list[Any], capsys: pytest.CaptureFixture[str]
) -> None:
    """In the order of `needs`; the URLs that answered come last."""
    assert inv("deploy") == 0
    assert asked == [("prepare", ("api", "web")), ("deploy", ("api", "web"))]
    out = capsys.readouterr().out.split()
    assert out[-4:] == ["api", "http://127.0.0.1:30081", "/health", "200"]


@pytest.mark.usefixtures("workspace")
@pytest.mark.parametrize(("release", "names"), [("api", ("api",)), ("web", ("api", "web"))])
def test_one_release_comes_with_what_it_needs(inv: Inv, asked: list[Any], release: str, names: tuple[str, ...]) -> None:
    """And with nothing else."""
    assert inv("deploy", "--release", release) == 0
    assert asked == [("prepare", names), ("deploy", names)]


def test_a_profile_is_handed_on(
    inv: Inv, workspace: FakeWorkspace, asked: list[Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    """To whoever reads dockyard.yaml."""
    profiles: list[str | None] = []

    def opened(*, profile: str | None) -> FakeWorkspace:
        profiles.append(profile)
        return workspace

    monkeypatch.setattr(wiring, "open_workspace", opened)
    assert inv("deploy", "--profile", "ci") == inv("deploy") == 0
    assert profiles == ["ci", None]
    assert len(asked) == 4


@pytest.mark.usefixtures("workspace")
@pytest.mark.parametrize("task", ["deploy", "history", "rollback", "logs", "destroy"])
def test_an_unknown_release_names_the_nearest(
    inv: Inv, asked: list[Any], task: str, capsys: pytest.CaptureFixture[str]
) -> None:
    """Before anything is done."""
    assert inv(task, "--release", "wbe") == 1
    assert "Did you mean 'web'?" in capsys.readouterr().err
    assert asked == []


@pytest.mark.usefixtures("workspace")
def test_status_is_a_table_and_json(inv: Inv, capsys: pytest.CaptureFixture[str]) -> None:
    """The same rows for people and for machines."""
    assert inv("status") == 0
    table = capsys.readouterr().out
    assert table.splitlines()[0].split() == ["release", "state", "revision", "image", "tag", "pods", "note"]
    assert "api      Ready" in table
    assert inv("status", "--json") == 0
    shown = capsys.readouterr()
    api, web = json.loads(shown.out)
    assert (api["release"], api["state"], api["revision"], api["tag"]) == ("api", "Ready", 2, "v2")
    assert (web["release"], web["state"]) == ("web", "Absent")
    assert shown.err == ""


@pytest.mark.usefixtures("workspace")
def test_history_is_a_table_and_json(inv: Inv, capsys: pytest.CaptureFixture[str]) -> None:
    """Oldest first."""
    assert inv("history", "--release", "api") == 0
    lines = capsys.readouterr().out.splitlines()
    assert [line.split()[:2] for line in lines[1:]] == [["1", "2026-01-01"], ["2", "2026-01-01"]]
    assert inv("history", "--release", "api", "--json") == 0
    assert [row["status"] for row in json.loads(capsys.readouterr().out)] == ["superseded", "deployed"]


@pytest.mark.usefixtures("workspace")
def test_url_is_a_table_and_json(inv: Inv, capsys: pytest.CaptureFixture[str]) -> None:
    """Of what is installed."""
    assert inv("url") == 0
    assert capsys.readouterr().out.splitlines()[1].split() == ["api", "http://127.0.0.1:30081"]
    assert inv("url", "--json") == 0
    assert json.loads(capsys.readouterr().out) == {"api": "http://127.0.0.1:30081"}


def test_logs_come_under_the_name_of_their_pod(
    inv: Inv, workspace: FakeWorkspace, capsys: pytest.CaptureFixture[str]
) -> None:
    """As they are: what looks like markup is none."""
    workspace.fake_kubectl.lines = {("api-a", False): "[bold]started[/bold]\n"}
    assert inv("logs", "--release", "api", "--tail", "5") == 0
    assert capsys.readouterr().out == "--- api-a\n[bold]started[/bold]\n"


@pytest.mark.parametrize(("argv", "revision"), [([], None), (["--revision", "1"], 1), (["--revision", "0"], 0)])
def test_a_rollback_says_what_serves_again(
    inv: Inv,
    workspace: FakeWorkspace,
    monkeypatch: pytest.MonkeyPatch,
    argv: list[str],
    revision: int | None,
) -> None:
    """Without a number the layer below chooses; 0 is a number, and no revision."""
    asked: list[tuple[str, int | None]] = []

    def back(given: FakeWorkspace, release: str, wanted: int | None, _report: object) -> RolledBack:
        assert given is workspace
        asked.append((release, wanted))
        return RolledBack("api", 1, 3, "v1", (SERVED,))

    monkeypatch.setattr(rollback, "rollback", back)
    assert inv("rollback", "--release", "api", *argv) == 0
    assert asked == [("api", revision)]


def test_a_rollback_ends_with_a_sentence(
    inv: Inv, workspace: FakeWorkspace, capsys: pytest.CaptureFixture[str]
) -> None:
    """Which revision it is, and as which it stands in the history."""
    workspace.cluster.held["web:v1"] = "sha256:web:v1"
    assert inv("rollback", "--release", "api") == 0
    first = capsys.readouterr().out.splitlines()[0]
    assert first == "Release api serves revision 1 again (image tag v1), as revision 3."


def test_destroy_takes_all_or_one(inv: Inv, workspace: FakeWorkspace, capsys: pytest.CaptureFixture[str]) -> None:
    """What is not there is said, and is no mistake."""
    assert inv("destroy", "--release", "web") == 0
    assert [release.name for release in workspace.fake_helm.releases()] == ["api"]
    assert inv("destroy") == 0
    assert workspace.fake_helm.releases() == ()
    assert "it is not installed" in capsys.readouterr().err


def test_nothing_is_written_by_asking(inv: Inv, workspace: FakeWorkspace, tmp_path: Path) -> None:
    """Neither files nor changes to the cluster."""
    for task in ("status", "url"):
        inv(task)
    assert list(tmp_path.iterdir()) == []
    assert (workspace.fake_helm.calls, workspace.cluster.calls) == ([], [])
