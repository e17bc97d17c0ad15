"""Results that several tasks print the same way."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from dockyard.charts.manifests import Manifests
from dockyard.cli.report import print_history, print_plan, print_urls
from dockyard.deploy.plan import Plan
from dockyard.images.plan import ImageAction
from dockyard.journal import Run, StepRun
from dockyard.model.project import Project
from dockyard.releases.plan import ReleaseAction, Verb
from dockyard.releases.status import HistoryEntry
from dockyard.releases.verify import Served
from dockyard.tools.http import Answer
from dockyard.ui.screen import Screen
from tests.fakes import FakeClock, rendered

NOON = datetime(2026, 1, 1, 12, tzinfo=UTC)
PROJECT = Project.model_validate(
    {
        "name": "test",
        "images": {"web-image": {"baseImage": "python:3.13-slim", "buildContext": "web", "dockerfile": "Dockerfile"}},
        "releases": {"api": {"chart": "helm/api"}, "web": {"chart": "helm/web", "image": "web-image"}},
    }
)


def test_services_are_shown_with_what_they_answered(capsys: pytest.CaptureFixture[str]) -> None:
    """Paths without the URL that stands beside them."""
    url = "http://127.0.0.1:30080"
    answers = (Answer(f"{url}/", 200, "<html>"), Answer(f"{url}/health", 204, ""))
    print_urls(Screen(FakeClock()), [Served("web", url, answers)])
    assert capsys.readouterr().out.splitlines()[1].split() == ["web", url, "/", "200,", "/health", "204"]


def test_no_services_are_no_table(capsys: pytest.CaptureFixture[str]) -> None:
    """A heading above nothing says nothing."""
    print_urls(Screen(FakeClock()), [])
    assert capsys.readouterr().out == ""


def plan(*actions: ReleaseAction) -> Plan:
    """Return a plan of one image and some releases."""
    return Plan(
        (ImageAction("web-image", "v2", "f" * 64, build=True, load=True, reason="1 file changed: a.py"),), actions
    )


def sent(level: str) -> Manifests:
    """Return what a chart rendered to."""
    return Manifests.parse(rendered("web", image="web-image:v1", config={"LEVEL": level}))


def test_a_plan_is_its_sentences_and_what_changes(capsys: pytest.CaptureFixture[str]) -> None:
    """Each action with its reason first, then the difference of the manifests of what changes, and of nothing else."""
    changed = ReleaseAction(
        "web", Verb.UPGRADE, "changed: configmap/web-config", sent=sent("info"), wanted=sent("debug")
    )
    same = ReleaseAction("api", Verb.NOTHING, "unchanged, revision 1 is Ready", sent=sent("info"), wanted=sent("info"))
    print_plan(Screen(FakeClock()), PROJECT, plan(same, changed))
    out = capsys.readouterr().out
    rows = [line.split(maxsplit=1)[0] for line in out.splitlines()[:4]]
    assert rows == ["subject", "api", "web-image", "web"]
    assert "web: what would change in its manifests" in out
    assert "api: what would change" not in out
    assert "debug" in out
    assert "replicas" not in out
    assert "Nothing to do." not in out


def test_a_plan_with_nothing_to_do_says_so(capsys: pytest.CaptureFixture[str]) -> None:
    """Behind its reasons."""
    same = ReleaseAction("web", Verb.NOTHING, "unchanged, revision 1 is Ready", sent=sent("info"), wanted=sent("info"))
    print_plan(Screen(FakeClock()), PROJECT, Plan((), (same,)))
    assert capsys.readouterr().out.splitlines()[-1] == "Nothing to do."


def test_a_plan_shows_no_secret(capsys: pytest.CaptureFixture[str]) -> None:
    """Neither the value that was sent nor the one that would be."""
    text = "kind: Secret\nmetadata: {name: web}\nstringData: {KEY: VALUE}\n"
    before, after = (Manifests.parse(text.replace("VALUE", value)) for value in ("correct-horse", "battery-staple"))
    changed = ReleaseAction("web", Verb.UPGRADE, "changed: secret/web", sent=before, wanted=after)
    print_plan(Screen(FakeClock()), PROJECT, Plan((), (changed,)))
    out = capsys.readouterr().out
    assert "KEY" in out
    assert "horse" not in out
    assert "staple" not in out


def test_history_says_how_long_it_took_where_that_is_known(capsys: pytest.CaptureFixture[str]) -> None:
    """Of revisions that another machine made only what Helm and the cluster know."""
    rows = [
        HistoryEntry(number, NOON, "superseded", number == 1, f"v{number}", "Rollback to 1" if number == 3 else "")
        for number in (1, 2, 3)
    ]
    step = StepRun("web", "release", NOON, NOON + timedelta(seconds=2.5), ok=True)
    print_history(Screen(FakeClock()), rows, {1: (Run("1", "deploy", ("web",), NOON), step)})
    lines = [line.split() for line in capsys.readouterr().out.splitlines()]
    assert lines[1] == ["1", "2026-01-01", "12:00:00", "superseded", "yes", "deploy", "2.5", "s", "v1"]
    assert lines[3] == ["3", "2026-01-01", "12:00:00", "superseded", "-", "-", "-", "v3", "Rollback", "to", "1"]
