"""The task that checks: what is looked at, what is shown, and the exit code."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from dockyard.checks import gather, tracking
from dockyard.checks.subject import Subject, Tracked
from dockyard.cli import wiring
from dockyard.model.cluster import EMBEDDED_KUBERNETES
from dockyard.model.errors import ConfigError
from dockyard.model.project import ChecksSpec, Project
from tests.checks.examples import BAD, subject
from tests.cli.conftest import Inv
from tests.fakes import FakeWorkspace


class Looked:
    """What is gathered, and with what.

    Attributes:
        at: The project that is found.
        facts: What it was gathered with.
    """

    def __init__(self) -> None:
        self.at: Subject = subject()
        self.facts: dict[str, Any] = {}

    def gather(self, _project: Project, **facts: Any) -> Subject:  # noqa: ANN401 - gather's own
        """Return what was prepared."""
        self.facts = facts
        return self.at


@pytest.fixture
def looked(workspace: FakeWorkspace, monkeypatch: pytest.MonkeyPatch) -> Looked:  # noqa: ARG001 - tasks work in it
    """Return what stands in for gathering: no chart is rendered."""
    made = Looked()
    monkeypatch.setattr(gather, "gather", made.gather)
    monkeypatch.setattr(tracking, "look", lambda *_: Tracked(files=()))
    return made


Captured = pytest.CaptureFixture[str]


def test_a_sound_project_passes(inv: Inv, looked: Looked, workspace: FakeWorkspace, capsys: Captured) -> None:
    """One line and exit code 0; the cluster says which version it has."""
    assert inv("check") == 0
    out = capsys.readouterr().out
    assert out.startswith("Nothing found by ")
    assert out.endswith(" checks in 1 release and 1 image.\n")
    assert (looked.facts["root"], looked.facts["kubernetes_version"]) == (workspace.root, EMBEDDED_KUBERNETES)


@pytest.mark.parametrize(
    ("id_", "argv", "code"),
    [("DY108", [], 1), ("DY106", [], 0), ("DY106", ["--strict"], 1), ("DY108", ["--only", "DY107"], 0)],
)
def test_the_exit_code_says_whether_a_deploy_may_go_on(
    inv: Inv, looked: Looked, id_: str, argv: list[str], code: int
) -> None:
    """1 for an error; for a warning only when asked to be strict."""
    looked.at = BAD[id_]()
    assert inv("check", *argv) == code


def test_checks_that_are_off_are_told_unless_they_are_asked_for(inv: Inv, looked: Looked, capsys: Captured) -> None:
    """The reason is shown; `--only` makes the check all the same."""
    bad = BAD["DY108"]()
    off = ChecksSpec(disabled={"DY108": "a proxy rewrites it"})
    looked.at = replace(bad, project=bad.project.model_copy(update={"checks": off}))
    assert inv("check") == 0
    assert "DY108 is switched off: a proxy rewrites it" in capsys.readouterr().out
    assert inv("check", "--only", "DY107", "--only", "DY108") == 1
    assert "by 2 checks" in capsys.readouterr().out


def test_json_has_findings_and_what_is_off(inv: Inv, looked: Looked, capsys: Captured) -> None:
    """One document, and nothing else on standard output."""
    looked.at = BAD["DY108"]()
    assert inv("check", "--json") == 1
    assert json.loads(capsys.readouterr().out) == {
        "findings": [
            {
                "check": "DY108",
                "severity": "error",
                "release": "web",
                "file": "charts/web/templates/configmap.yaml",
                "line": 0,
                "path": "ConfigMap/web-config: data.API_URL",
                "message": "a URL asks for port 80 of Service 'api-service', which has: 8000",
            }
        ],
        "disabled": {},
    }


def test_sarif_is_written_to_a_file(inv: Inv, looked: Looked, tmp_path: Path) -> None:
    """With the rules that were looked for."""
    looked.at = BAD["DY108"]()
    assert inv("check", "--sarif", str(tmp_path / "out.sarif"), "--only", "DY108") == 1
    (run,) = json.loads((tmp_path / "out.sarif").read_text())["runs"]
    assert [rule["id"] for rule in run["tool"]["driver"]["rules"]] == ["DY108"]
    assert [result["ruleId"] for result in run["results"]] == ["DY108"]


def test_no_finding_shows_a_value(
    inv: Inv, looked: Looked, workspace: FakeWorkspace, tmp_path: Path, capsys: Captured
) -> None:
    """What a chart says of a host may be what a secret says too: as text, as JSON, and in SARIF."""
    looked.at, path = BAD["DY108"](), tmp_path / "out.sarif"
    workspace.redactor.learn({"KEY": "api-service"})
    assert inv("check") == inv("check", "--json", "--sarif", str(path)) == 1
    out = capsys.readouterr().out
    assert "port 80 of Service '***'" in out
    assert "api-service" not in out + path.read_text(encoding="utf-8")


@pytest.mark.usefixtures("looked")
def test_what_cannot_be_done_is_one_sentence(inv: Inv, tmp_path: Path, capsys: Captured) -> None:
    """An id that there is not, a file that cannot be written."""
    assert inv("check", "--only", "DY110") == 1
    assert "There is no check named 'DY110'." in capsys.readouterr().err
    assert inv("check", "--sarif", str(tmp_path)) == 1
    assert "Is a directory." in capsys.readouterr().err


@pytest.mark.usefixtures("looked")
def test_a_project_that_cannot_be_read_is_one_sentence(
    inv: Inv, monkeypatch: pytest.MonkeyPatch, capsys: Captured
) -> None:
    """And no traceback, though it is read before there is a screen."""

    def refuse(**_: object) -> FakeWorkspace:
        raise ConfigError("dockyard.yaml has 1 mistake")

    monkeypatch.setattr(wiring, "open_workspace", refuse)
    assert inv("check") == 1
    assert capsys.readouterr().err == "dockyard.yaml has 1 mistake.\n"
