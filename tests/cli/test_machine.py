"""Tasks of the machine."""

from __future__ import annotations

import os
from dataclasses import replace
from pathlib import Path

import pytest

from dockyard.machine import setup
from dockyard.machine.requirement import Requirement
from dockyard.tools import process
from tests.cli.conftest import Inv

THERE = Requirement("helm", "v4.3.1", "v4.3.1", ok=True)
MISSING = Requirement("helm", "v4.3.1", None, ok=False, action="fetched")


class Machine:
    """A machine that is what the test says.

    Attributes:
        found: What it has.
        applied: How often it was made ready.
        mends: Whether making it ready helps.
        breaks: What making it ready fails with, as nobody foresaw.
        environment: What was in the environment when it was made ready.
    """

    def __init__(self) -> None:
        self.found: tuple[Requirement, ...] = (THERE,)
        self.applied, self.mends, self.breaks = 0, True, ""
        self.environment: dict[str, str] = {}

    def observe(self, _root: Path) -> tuple[Requirement, ...]:
        """Return what there is."""
        return self.found

    def apply(self, _root: Path, found: tuple[Requirement, ...], _report: object) -> tuple[Requirement, ...]:
        """Make it ready."""
        self.applied += 1
        self.environment = dict(os.environ)
        if self.breaks:
            raise ValueError(self.breaks)
        if self.mends:
            self.found = tuple(replace(entry, found=entry.wanted, ok=True) for entry in found)
        return self.found


@pytest.fixture
def machine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Machine:
    """A machine that is ready, and a project folder that is not set up yet."""
    made = Machine()
    monkeypatch.setattr(setup, "observe", made.observe)
    monkeypatch.setattr(setup, "apply", made.apply)
    described = "name: test\nreleases: {web: {chart: web, secrets: {KEY: {generate: true}}}}\n"
    (tmp_path / "dockyard.yaml").write_text(described, encoding="utf-8")
    monkeypatch.chdir(tmp_path)
    return made


def test_a_second_setup_changes_nothing(
    inv: Inv, machine: Machine, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """And says so."""
    assert inv("setup") == 0
    assert capsys.readouterr().out.splitlines()[-1] == "The machine is ready."
    first = (tmp_path / ".env").read_text(encoding="utf-8")
    assert inv("setup") == 0
    assert capsys.readouterr().out.splitlines()[-1] == "The machine is ready; nothing was changed."
    assert (tmp_path / ".env").read_text(encoding="utf-8") == first
    assert machine.applied == 0


def test_what_is_missing_is_made(inv: Inv, machine: Machine) -> None:
    """Once."""
    machine.found = (MISSING,)
    assert inv("setup") == 0
    assert machine.applied == 1


def test_what_is_installed_and_started_gets_no_secret(
    inv: Inv, machine: Machine, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The engine outlives the command, and so would its environment; the gates behind it find the secret again."""
    monkeypatch.setenv("KEY", "x7Kq2mVp9TzR4wYb")
    monkeypatch.setenv("OTHER", "1")
    machine.found = (MISSING,)
    monkeypatch.setattr(process, "attach", lambda *_, **__: "KEY" not in os.environ)
    assert inv("setup", "test") == 0
    assert ("KEY" in machine.environment, "OTHER" in machine.environment) == (False, True)


def test_a_bug_of_making_it_ready_shows_no_value(
    inv: Inv, machine: Machine, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Of the environment, which is all that it reads."""
    monkeypatch.setenv("KEY", "x7Kq2mVp9TzR4wYb")
    machine.found, machine.breaks = (MISSING,), "it is x7Kq2mVp9TzR4wYb"
    assert inv("setup") == 1
    assert "ValueError: it is ***" in capsys.readouterr().err


def test_a_dockyard_yaml_that_cannot_be_used_is_one_sentence(
    inv: Inv, machine: Machine, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Nothing is installed then; where nothing is missing it is not even read."""
    (tmp_path / "dockyard.yaml").write_text("name: [\n", encoding="utf-8")
    (tmp_path / ".env").touch()
    assert inv("setup") == 0
    machine.found = (MISSING,)
    assert inv("setup") == 1
    assert machine.applied == 0
    assert capsys.readouterr().err.startswith("dockyard.yaml is not valid YAML.\n")


def test_what_cannot_be_made_is_an_error(inv: Inv, machine: Machine, capsys: pytest.CaptureFixture[str]) -> None:
    """The table says what; there is no word of being ready."""
    machine.found, machine.mends = (MISSING,), False
    assert inv("setup") == 1
    out = capsys.readouterr().out
    assert "missing" in out
    assert "is ready" not in out


@pytest.mark.parametrize("found", [THERE, MISSING], ids=["ready", "not ready"])
def test_a_check_only_reports(inv: Inv, machine: Machine, tmp_path: Path, found: Requirement) -> None:
    """Nothing is written, and a missing .env is missing."""
    machine.found = (found,)
    assert inv("setup", "--check") == 1
    assert machine.applied == 0
    assert not (tmp_path / ".env").exists()
    (tmp_path / ".env").touch()
    assert inv("setup", "--check") == (0 if found.ok else 1)


def test_a_project_without_secrets_needs_no_env(
    inv: Inv, machine: Machine, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """None is made, and none is missed."""
    (tmp_path / "dockyard.yaml").write_text("name: test\n", encoding="utf-8")
    assert inv("setup") == inv("setup", "--check") == 0
    assert "nothing was changed" in capsys.readouterr().out
    assert not (tmp_path / ".env").exists()
    assert machine.applied == 0


def test_setup_outside_of_a_project_says_so(
    inv: Inv, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Where there is no dockyard.yaml there is nothing to set up."""
    monkeypatch.chdir(tmp_path)
    assert inv("setup") == 1
    assert "There is no dockyard.yaml" in capsys.readouterr().err


@pytest.mark.parametrize("code", [0, 1, 3])
def test_the_gates_end_with_their_own_code(inv: Inv, monkeypatch: pytest.MonkeyPatch, code: int) -> None:
    """Nox prints for itself; what it ends with is what CI sees."""
    started: list[str] = []

    def attach(argv: list[str], *, path: Path) -> int:
        started.append(Path(argv[0]).name)
        assert Path(argv[0]).parent == path
        return code

    monkeypatch.setattr(process, "attach", attach)
    assert inv("test") == code
    assert started == ["nox"]
