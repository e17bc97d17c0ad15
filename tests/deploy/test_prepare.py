"""Requirements of a deploy besides images."""

from __future__ import annotations

import shutil
from collections import namedtuple
from pathlib import Path
from typing import Any

import pytest

from dockyard import database as database_module
from dockyard.database import Database, DatabaseFacts, Settings
from dockyard.deploy import pipeline
from dockyard.deploy.options import Options
from dockyard.deploy.prepare import LEAST_SPACE, UNKNOWN_DATABASE, ensure_namespace, peek, require_space
from dockyard.model.errors import ApiRefusedError, ClusterError, MachineError, RefusedError
from dockyard.model.events import Event, Report
from dockyard.releases.site import connect
from dockyard.tools.docker import ContainerFacts
from tests.deploy.conftest import ME, NOON
from tests.fakes import TAG, FakeDocker, FakeWorkspace, Recorder, fake_workspace, rendered

KEY = "hunter2"
BASE = "python:3.13-slim"
PROJECT: dict[str, Any] = {
    "database": {"secret": "URL"},
    "cluster": {"namespace": "todo"},
    "images": {"api-image": {"baseImage": BASE, "buildContext": "api", "dockerfile": "Dockerfile"}},
    "releases": {
        "web": {"chart": "helm/web", "secrets": ["KEY"]},
        "api": {"chart": "helm/api", "image": "api-image", "secrets": ["URL", "KEY"]},
    },
}
OPTIONS = Options(who=ME, wall=lambda: NOON, jobs=4, alive=lambda _: None)
Usage = namedtuple("Usage", ["total", "used", "free"])  # noqa: PYI024 - shutil's own has no public name


class Databases:
    """The development database, which nobody starts.

    Attributes:
        started: How often it was asked to.
        there: What looking for it finds.
    """

    def __init__(self) -> None:
        self.started = 0
        self.there: Database | None = None

    def observe(self, docker: object) -> DatabaseFacts:
        """Say that it would be created."""
        assert isinstance(docker, FakeDocker)
        return DatabaseFacts(Settings(), None, "password")

    def start(self, docker: object, report: Report, *, ca_bundle: Path | None, facts: DatabaseFacts) -> Database:
        """Say where it would be."""
        assert isinstance(docker, FakeDocker)
        assert ca_bundle is None
        self.started += 1
        report(Event("database", "Ready"))
        return facts.database

    def find(self, docker: object) -> Database | None:
        """Say where it is."""
        assert isinstance(docker, FakeDocker)
        return self.there


@pytest.fixture
def database(monkeypatch: pytest.MonkeyPatch) -> Databases:
    """The stand-in, in place of the real one."""
    made = Databases()
    monkeypatch.setattr(database_module, "observe", made.observe)
    monkeypatch.setattr(database_module, "start", made.start)
    monkeypatch.setattr(database_module, "find", made.find)
    return made


def workspace(root: Path, *, running: bool = False, **secrets: str) -> FakeWorkspace:
    """Return a workspace whose cluster does not run, and that has no namespace of its own yet."""
    (root / "api").mkdir(exist_ok=True)
    (root / "Dockerfile").write_text("FROM scratch\n", encoding="utf-8")
    charts = {"web": rendered("web", image="web:1"), "api": rendered("api", image=f"api-image:{TAG}")}
    for name in charts:
        (root / "helm" / name).mkdir(parents=True, exist_ok=True)
        (root / "helm" / name / "Chart.yaml").touch()
    made = fake_workspace(root, PROJECT, docker=FakeDocker(BASE), charts=charts, secrets=secrets)
    made.cluster.running = running
    made.fake_api.namespaces.clear()
    return made


def deploy(made: FakeWorkspace, *names: str) -> Recorder:
    """Deploy releases; return what was reported."""
    report = Recorder()
    pipeline.deploy(made, names, report, OPTIONS, gate=lambda *_, **__: None)
    return report


def test_database_cluster_and_namespace_are_started(tmp_path: Path, database: Databases) -> None:
    """The release gets the database's address; the workspace that was given stays as it is."""
    made = workspace(tmp_path, KEY=KEY)
    report = deploy(made, "api")
    assert (database.started, made.cluster.calls[0]) == (1, "start")
    assert made.fake_api.changes[0] == "create Namespace todo"
    address = Database(Settings(), "password", started=True).url_in_cluster
    assert made.fake_helm.values["api"]["secrets"] == {"KEY": KEY, "URL": address}
    assert made.secrets == {"KEY": KEY}
    assert made.redactor.redact(address) == "***"
    assert {"database", "cluster"} <= {subject for subject, _ in report.lasting}


def test_a_database_of_the_users_own_is_used(tmp_path: Path, database: Databases) -> None:
    """If its URL is set nothing is started beside the cluster."""
    made = workspace(tmp_path, KEY=KEY, URL="postgresql://mine")
    deploy(made, "api")
    assert (database.started, made.fake_helm.values["api"]["secrets"]["URL"]) == (0, "postgresql://mine")


def test_releases_without_a_database_start_none(tmp_path: Path, database: Databases) -> None:
    """Only those of this command count."""
    deploy(workspace(tmp_path, KEY=KEY), "web")
    assert database.started == 0


def test_a_missing_secret_is_refused_before_anything_starts(tmp_path: Path, database: Databases) -> None:
    """Exit code 4; the database's URL is not missing, since the database can be started."""
    made, report = workspace(tmp_path), Recorder()
    with pytest.raises(RefusedError) as caught:
        pipeline.deploy(made, ("web", "api"), report, OPTIONS, gate=lambda *_, **__: None)
    assert caught.value.exit_code == 4
    assert caught.value.what.splitlines()[1:] == ["    KEY has no value (for web, api)"]
    assert (database.started, made.cluster.calls, made.docker.built, report.events) == (0, [], [], [])


def test_a_cluster_that_does_not_start_is_told(
    tmp_path: Path, database: Databases, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It starts beside the database, in a thread of its own; its error is not lost there."""
    made = workspace(tmp_path, KEY=KEY)

    def fail(_report: Report) -> None:
        raise ClusterError("It does not start")

    monkeypatch.setattr(made.cluster, "start", fail)
    with pytest.raises(ClusterError, match="It does not start"):
        deploy(made, "api")
    assert (database.started, made.fake_api.changes) == (1, [])


# --- the namespace ----------------------------------------------------------------------------------------------------


def test_a_namespace_that_is_there_is_left_alone(tmp_path: Path) -> None:
    """Nothing is written."""
    made = workspace(tmp_path, running=True)
    made.fake_api.namespaces["todo"] = "Active"
    ensure_namespace(connect(made))
    assert made.fake_api.changes == []


def test_a_namespace_that_is_being_deleted_is_refused(tmp_path: Path) -> None:
    """Exit code 4, with what shows when it is gone."""
    made = workspace(tmp_path, running=True)
    made.fake_api.namespaces["todo"] = "Terminating"
    with pytest.raises(RefusedError) as caught:
        ensure_namespace(connect(made))
    assert (caught.value.exit_code, made.fake_api.changes) == (4, [])
    assert "`kubectl get namespace todo`" in caught.value.fix


def test_a_server_that_forbids_asking_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """That is no reason to try and make the namespace."""
    made = workspace(tmp_path, running=True)

    def forbid(*_: object, **__: object) -> None:
        raise ApiRefusedError(403, "Forbidden", "no")

    monkeypatch.setattr(made.fake_api, "ask", forbid)
    with pytest.raises(ApiRefusedError, match="403 Forbidden"):
        ensure_namespace(connect(made))


# --- looking without starting -----------------------------------------------------------------------------------------


def test_peeking_starts_nothing(tmp_path: Path, database: Databases) -> None:
    """Neither database nor cluster nor namespace; where the database is not made its address is a stand-in."""
    made = workspace(tmp_path, running=True, KEY=KEY)
    ready, site = peek(made, ("api",))
    assert site is not None
    assert ready.secrets == {"KEY": KEY, "URL": UNKNOWN_DATABASE}
    assert (database.started, made.cluster.calls, made.fake_api.changes) == (0, [], [])


def test_peeking_knows_the_database_that_is_there(tmp_path: Path, database: Databases) -> None:
    """So that a plan compares what a deploy would send."""
    database.there = Database(Settings(), "password", started=False)
    ready, _ = peek(workspace(tmp_path, KEY=KEY), ("api",))
    assert ready.secrets["URL"] == database.there.url_in_cluster


def test_the_site_of_a_peek_has_the_database_too(tmp_path: Path, database: Databases) -> None:
    """What a plan renders with is what is compared with the cluster."""
    database.there = Database(Settings(), "password", started=False)
    ready, site = peek(workspace(tmp_path, running=True, KEY=KEY), ("api",))
    assert site is not None
    assert site.workspace.secrets == ready.secrets


@pytest.mark.usefixtures("database")
def test_peeking_at_a_cluster_that_does_not_run_is_no_error(tmp_path: Path) -> None:
    """There is no site then."""
    assert peek(workspace(tmp_path, KEY=KEY), ("api",))[1] is None


@pytest.mark.usefixtures("database")
def test_peeking_refuses_a_missing_secret_as_a_deploy_does(tmp_path: Path) -> None:
    """A plan that says otherwise would be none."""
    with pytest.raises(RefusedError, match="KEY"):
        peek(workspace(tmp_path), ("api",))


def test_the_real_database_is_found_by_its_container(tmp_path: Path) -> None:
    """Running or not; the password is what it was made with."""
    made = workspace(tmp_path, KEY=KEY)
    made.docker.containers[Settings().name] = container(POSTGRES_PASSWORD="hunter2")  # noqa: S106 - nobody's
    ready, _ = peek(made, ("api",))
    assert ready.secrets["URL"] == Database(Settings(), "hunter2", started=False).url_in_cluster


def container(**environment: str) -> ContainerFacts:
    """Return a container that does not run."""
    return ContainerFacts(Settings().name, "sha256:1", running=False, exit_code=0, labels={}, environment=environment)


# --- space ------------------------------------------------------------------------------------------------------------


def space(monkeypatch: pytest.MonkeyPatch, free: int) -> None:
    """Have that many bytes free."""
    monkeypatch.setattr(shutil, "disk_usage", lambda _folder: Usage(10**12, 10**12 - free, free))


def test_a_full_disk_is_told_with_how_much_there_is(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """And where, and how much a deploy takes."""
    space(monkeypatch, 1_234_000_000)
    with pytest.raises(MachineError) as caught:
        require_space(tmp_path)
    assert caught.value.what.startswith("Only 1.2 GB are free where the Docker engine keeps its images")
    assert str(tmp_path) in caught.value.what


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
