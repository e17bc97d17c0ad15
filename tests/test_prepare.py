"""What must stand before releases can."""

from __future__ import annotations

import shutil
from collections import namedtuple
from pathlib import Path
from typing import Any

import pytest

from dockyard import database as database_module
from dockyard import prepare
from dockyard.database import Database, Settings
from dockyard.model.errors import MachineError, RefusedError
from dockyard.model.events import Event, Report
from dockyard.prepare import LEAST_SPACE, require_space
from tests.fakes import FakeDocker, FakeWorkspace, Recorder, fake_workspace

PROJECT: dict[str, Any] = {
    "database": {"secret": "URL"},
    "releases": {
        "web": {"chart": "helm/web", "secrets": ["KEY"]},
        "api": {"chart": "helm/api", "secrets": ["URL", "KEY"]},
    },
}
Usage = namedtuple("Usage", ["total", "used", "free"])  # noqa: PYI024 - shutil's own has no public name


class Databases:
    """The development database, which nobody starts.

    Attributes:
        started: How often it was asked to.
    """

    def __init__(self) -> None:
        self.started = 0

    def __call__(self, docker: object, report: Report, *, ca_bundle: Path | None) -> Database:
        """Say where it would be."""
        assert isinstance(docker, FakeDocker)
        assert ca_bundle is None
        self.started += 1
        report(Event("database", "Ready"))
        return Database(Settings(), "password", started=True)


@pytest.fixture
def database(monkeypatch: pytest.MonkeyPatch) -> Databases:
    """The stand-in, in place of the real one."""
    made = Databases()
    monkeypatch.setattr(database_module, "start", made)
    return made


def workspace(root: Path, **secrets: str) -> FakeWorkspace:
    """Return a workspace whose cluster does not run."""
    made = fake_workspace(root, PROJECT, secrets=secrets)
    made.cluster.running = False
    return made


def test_database_and_cluster_are_started(tmp_path: Path, database: Databases) -> None:
    """The database first: its address is a secret of the releases."""
    made, report = workspace(tmp_path, KEY="x"), Recorder()
    ready = prepare.prepare(made, ("api",), report)
    assert (database.started, made.cluster.calls) == (1, ["start"])
    assert ready.secrets == {"KEY": "x", "URL": Database(Settings(), "password", started=True).url_in_cluster}
    assert [subject for subject, _ in report.lasting] == ["database", "database", "cluster"]


def test_a_database_of_the_users_own_is_used(tmp_path: Path, database: Databases) -> None:
    """Where its URL is set nothing is started beside the cluster."""
    ready = prepare.prepare(workspace(tmp_path, KEY="x", URL="postgresql://mine"), ("api",), Recorder())
    assert (database.started, ready.secrets["URL"]) == (0, "postgresql://mine")


def test_releases_without_a_database_start_none(tmp_path: Path, database: Databases) -> None:
    """Only those of this command count."""
    prepare.prepare(workspace(tmp_path, KEY="x"), ("web",), Recorder())
    assert database.started == 0


def test_a_missing_secret_is_refused_before_anything_starts(tmp_path: Path, database: Databases) -> None:
    """Exit code 4; the database's URL is not missed, since it can be had."""
    made, report = workspace(tmp_path), Recorder()
    with pytest.raises(RefusedError) as caught:
        prepare.prepare(made, ("web", "api"), report)
    assert caught.value.exit_code == 4
    assert caught.value.what.endswith("\n    KEY has no value (for web, api)")
    assert (database.started, made.cluster.calls, report.events) == (0, [], [])


def test_a_silent_engine_is_told_first(tmp_path: Path, database: Databases) -> None:
    """Before missing secrets: nothing works without it."""
    made = workspace(tmp_path)
    made.docker.silent = True
    with pytest.raises(MachineError, match="The Docker engine does not answer"):
        prepare.prepare(made, ("web",), Recorder())
    assert (database.started, made.cluster.calls) == (0, [])


def space(monkeypatch: pytest.MonkeyPatch, free: int) -> None:
    """Have that many bytes free."""
    monkeypatch.setattr(shutil, "disk_usage", lambda _folder: Usage(10**12, 10**12 - free, free))


def test_a_full_disk_is_told_before_anything_starts(
    tmp_path: Path, database: Databases, monkeypatch: pytest.MonkeyPatch
) -> None:
    """With how much there is, where, and how much it takes."""
    space(monkeypatch, 1_234_000_000)
    made = workspace(tmp_path, KEY="x")
    made.docker.root = tmp_path
    with pytest.raises(MachineError) as caught:
        prepare.prepare(made, ("api",), Recorder())
    assert caught.value.what.startswith("Only 1.2 GB are free where the Docker engine keeps its images")
    assert str(tmp_path) in caught.value.what
    assert (database.started, made.cluster.calls) == (0, [])


@pytest.mark.parametrize(("free", "enough"), [(LEAST_SPACE, True), (LEAST_SPACE - 1, False)])
def test_the_limit_itself_is_enough(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, *, free: int, enough: bool
) -> None:
    """Less than it is not."""
    space(monkeypatch, free)
    try:
        require_space(tmp_path)
    except MachineError:
        assert not enough
    else:
        assert enough


def test_a_folder_of_another_machine_is_not_measured(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The engine of Docker Desktop runs in a virtual machine."""
    space(monkeypatch, 0)
    require_space(tmp_path / "not-here")
