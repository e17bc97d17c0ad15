"""Tasks of secrets: what is shown, what is written, and the exit code."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest

from dockyard import envfile
from dockyard.cli import wiring
from dockyard.deploy import rotate
from dockyard.model.project import Project
from dockyard.tools.process import run
from tests.cli.conftest import Inv
from tests.fakes import FakeWorkspace

STRONG = "q7Xv2mKp9TzR4wYb"
PROJECT = """\
name: test
database: {secret: URL}
releases:
  web:
    chart: web
    secrets:
      KEY: {minLength: 16, generate: true}
      URL:
      MODEL: {required: false}
  api: {chart: api, secrets: [KEY, TOKEN]}
"""

Captured = pytest.CaptureFixture[str]


@pytest.fixture(autouse=True)
def root(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The folder of a project, in which the tasks run."""
    (tmp_path / "dockyard.yaml").write_text(PROJECT, encoding="utf-8")
    monkeypatch.chdir(tmp_path)
    for name in ("KEY", "URL", "MODEL", "TOKEN", "DOCKYARD_PROFILE"):
        monkeypatch.delenv(name, raising=False)
    return tmp_path


def test_a_first_env_is_made_once(inv: Inv, root: Path, capsys: Captured) -> None:
    """It says what it made and what is left to do, shows no value, and never touches what is there."""
    assert inv("secrets.init") == 0
    out = capsys.readouterr().out
    made = (root / ".env").read_bytes()
    assert "random values of: KEY." in out
    assert "of: URL, MODEL, TOKEN." in out
    assert envfile.read(root / ".env")["KEY"] not in out
    assert inv("secrets.init") == 0
    assert "nothing was changed" in capsys.readouterr().out
    assert (root / ".env").read_bytes() == made


def test_what_is_wrong_is_told_without_a_value(inv: Inv, root: Path, capsys: Captured) -> None:
    """Name, who uses it, where it is from, how long it is, and what is wrong; exit code 1."""
    (root / ".env").write_text("KEY=hunter2\nTOKEN=changeme\n", encoding="utf-8")
    (root / ".env").chmod(0o600)
    assert inv("secrets.check") == 1
    out = capsys.readouterr().out
    rows = {line.split()[0]: line for line in out.splitlines()[1:]}
    assert "has 7 characters, and minLength asks for 16" in rows["KEY"]
    assert "*** (7 characters)" in rows["KEY"]
    assert "development database" in rows["URL"]
    assert "not required" in rows["MODEL"]
    assert rows["TOKEN"].rstrip().endswith("is a placeholder")
    assert "hunter2" not in out
    assert "changeme" not in out


def test_json_has_the_same(inv: Inv, root: Path, capsys: Captured) -> None:
    """One document, and nothing else on standard output."""
    (root / ".env").write_text("KEY=hunter2\n", encoding="utf-8")
    (root / ".env").chmod(0o640)
    assert inv("secrets.check", "--json") == 1
    told = json.loads(capsys.readouterr().out)
    assert told["secrets"][0] == {
        "name": "KEY",
        "releases": ["web", "api"],
        "required": True,
        "source": ".env",
        "characters": 7,
        "fault": "too short",
        "message": "has 7 characters, and minLength asks for 16",
    }
    assert [row["fault"] for row in told["secrets"]] == ["too short", "", "", "missing"]
    assert "mode 0640" in told["exposure"]


@pytest.mark.parametrize(("token", "mode", "code"), [(STRONG, 0o600, 0), ("hunter2", 0o600, 1), (STRONG, 0o644, 1)])
def test_the_strict_refuse_more(inv: Inv, root: Path, token: str, mode: int, code: int) -> None:
    """Weak values, and a file that others may read; without being asked nobody is refused for them."""
    (root / ".env").write_text(f"KEY={STRONG}\nTOKEN={token}\n", encoding="utf-8")
    (root / ".env").chmod(mode)
    assert (inv("secrets.check"), inv("secrets.check", "--strict")) == (0, code)


def test_too_much_for_one_secret_is_told(inv: Inv, root: Path, capsys: Captured) -> None:
    """It is the fault of no secret alone."""
    names = [f"KEY_{at}" for at in range(9)]
    (root / "dockyard.yaml").write_text(
        f"name: test\nreleases: {{web: {{chart: web, secrets: [{', '.join(names)}]}}}}\n", encoding="utf-8"
    )
    (root / ".env").write_text("".join(f"{name}={STRONG * 8000}\n" for name in names), encoding="utf-8")
    assert inv("secrets.check") == 1
    assert "KEY_8 have 1,152,000 bytes together, and a Secret holds 1,048,576 (for web)." in capsys.readouterr().out


def test_a_line_that_is_none_is_one_sentence(inv: Inv, root: Path, capsys: Captured) -> None:
    """With its place, without its text, and without a traceback."""
    (root / ".env").write_text("hunter2\n", encoding="utf-8")
    assert inv("secrets.check") == 1
    told = capsys.readouterr().err
    assert ".env:1:8: no = is behind the name." in told
    assert "hunter2" not in told


def breaks(*arguments: object, **_: object) -> None:
    """Fail as nobody foresaw, with a secret in the message."""
    raise ValueError(STRONG, len(arguments))


BROKEN = {"secrets.check": "dockyard.cli.secrets._rows", "secrets.scan": "dockyard.checks.tracking.look"}
"""What a task does when it has read the secrets."""


@pytest.mark.parametrize("task", BROKEN)
def test_a_bug_shows_no_value(
    inv: Inv, root: Path, monkeypatch: pytest.MonkeyPatch, capsys: Captured, task: str
) -> None:
    """As soon as the values are read."""
    (root / ".env").write_text(f"KEY={STRONG}\n", encoding="utf-8")
    monkeypatch.setattr(BROKEN[task], breaks)
    assert inv(task) == 1
    told = capsys.readouterr().err
    assert "ValueError: ('***', " in told
    assert "Values of secrets were taken out" in told


def test_a_bug_before_any_secret_is_read_promises_nothing(
    inv: Inv, monkeypatch: pytest.MonkeyPatch, capsys: Captured
) -> None:
    """There is nothing to take out."""
    monkeypatch.setattr("dockyard.credentials.example", breaks)
    assert inv("secrets.example") == 1
    assert capsys.readouterr().err.splitlines()[-1] == "This is a bug of Dockyard."


def test_the_example_is_written_when_it_is_stale(inv: Inv, root: Path, capsys: Captured) -> None:
    """And only then."""
    assert inv("secrets.example") == inv("secrets.example") == 0
    assert capsys.readouterr().out.splitlines() == [
        ".env.example is written.",
        ".env.example is what dockyard.yaml declares; nothing was changed.",
    ]
    assert "MODEL=\n" in (root / ".env.example").read_text(encoding="utf-8")


@pytest.mark.process
def test_a_commit_with_a_secret_is_refused(inv: Inv, root: Path, capsys: Captured) -> None:
    """A clean index passes; an .env, or a value of one, does not."""
    run(["git", "init", "--quiet", "."], timeout=30)
    (root / ".env").write_text(f"KEY={STRONG}\n", encoding="utf-8")
    run(["git", "add", "dockyard.yaml"], timeout=30)
    assert inv("secrets.scan") == 0
    (root / "notes.md").write_text(f"the key is {STRONG}\n", encoding="utf-8")
    run(["git", "add", "."], timeout=30)
    capsys.readouterr()
    assert inv("secrets.scan") == 1
    out = capsys.readouterr().out
    assert "notes.md:1" in out
    assert ".env is tracked by Git" in out
    assert STRONG not in out


def test_a_secret_is_replaced(
    inv: Inv, workspace: FakeWorkspace, monkeypatch: pytest.MonkeyPatch, capsys: Captured
) -> None:
    """What took it is said, and the value is not; its own name alone is a question to dockyard.yaml."""
    uses = {"KEY": {"generate": True}}
    releases = {"api": {"chart": "helm/api", "secrets": uses}, "web": {"chart": "helm/web", "needs": ["api"]}}
    project = Project.model_validate({"name": "test", "releases": releases})
    made = replace(workspace, project=project)
    monkeypatch.setattr(wiring, "open_workspace", lambda **_: made)
    asked = []

    def turn(_workspace: object, name: str, *_: object, **__: object) -> rotate.Rotated:
        asked.append(name)
        return rotate.Rotated(name, ("api",), ())

    monkeypatch.setattr(rotate, "rotate", turn)
    assert inv("secrets.rotate", "KEY") == 0
    assert asked == ["KEY"]
    assert capsys.readouterr().out == "KEY has a new value in .env; api took it.\n"
    assert inv("secrets.rotate", "KEYS") == 1
    assert "There is no secret named 'KEYS'" in capsys.readouterr().err
