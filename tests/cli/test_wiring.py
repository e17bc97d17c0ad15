"""Where everything is put together; nothing is started by it."""

from __future__ import annotations

import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from dockyard.cli.wiring import machine_certificates, open_workspace, options, secret_names
from dockyard.clusters.embedded import EmbeddedCluster
from dockyard.model.errors import ConfigError
from dockyard.model.project import Project
from dockyard.releases.rollout import Policy
from dockyard.tools.clock import SystemClock
from dockyard.tools.identity import myself
from dockyard.tools.process import run

TEXT = """\
name: test
cluster: { provider: embedded }
releases:
  web: { chart: helm/web, secrets: [KEY, OTHER] }
  api: { chart: helm/api, secrets: [URL, KEY] }
profiles:
  large: { cluster: { cpus: 8 } }
  small: { cluster: { cpus: 2 } }
"""


@pytest.fixture
def root(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A project folder, and an environment without its secrets."""
    (tmp_path / "dockyard.yaml").write_text(TEXT, encoding="utf-8")
    (tmp_path / ".env").write_text("KEY=file\nURL=file\nUNRELATED=file\n", encoding="utf-8")
    for name in ("KEY", "OTHER", "URL", "SSL_CERT_FILE", "DOCKYARD_PROFILE"):
        monkeypatch.delenv(name, raising=False)
    return tmp_path


def test_a_workspace_is_found_from_below(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Tasks work in every folder of the project."""
    (root / "deep" / "down").mkdir(parents=True)
    monkeypatch.chdir(root / "deep" / "down")
    made = open_workspace()
    assert (made.root, made.project.name) == (root, "test")
    assert isinstance(made.cluster, EmbeddedCluster)
    assert isinstance(made.clock, SystemClock)


def test_secrets_come_from_the_environment_and_the_file(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Only those that the project names."""
    monkeypatch.setenv("URL", "environment")
    assert open_workspace(root).secrets == {"KEY": "file", "URL": "environment"}


def test_names_of_the_project_are_no_values_of_secrets(root: Path) -> None:
    """Some Secret of the namespace may say `database: dockyard`, and every line of the output says it too."""
    described = TEXT.replace(
        "name: test", "name: ai-todo\nimages: {web-image: {baseImage: a, buildContext: ., dockerfile: Dockerfile}}"
    )
    (root / "dockyard.yaml").write_text(described.replace("web:", "frontend:"), encoding="utf-8")
    made = open_workspace(root)
    told = "frontend: pod ai-todo-frontend-deployment of web-image, in dockyard"
    made.redactor.learn({"a": "frontend", "b": "ai-todo", "c": "web-image", "d": "dockyard", "e": "another"})
    assert made.redactor.redact(f"{told} and another") == f"{told} and ***"


@pytest.mark.process
def test_a_program_that_is_started_gets_no_secret(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Neither helm nor docker has them in its environment; the next task of the same command finds them again."""
    monkeypatch.setenv("URL", "environment")
    monkeypatch.setenv("UNRELATED", "environment")
    first = open_workspace(root).secrets
    done = run([sys.executable, "-c", "import os; print(*os.environ)"], timeout=30)
    assert "UNRELATED" in done.stdout.split()
    assert "URL" not in done.stdout.split()
    assert open_workspace(root).secrets == first == {"KEY": "file", "URL": "environment"}


@pytest.mark.parametrize(
    ("variable", "option", "cpus"),
    [("large", None, 8), ("", "large", 8), ("large", "small", 2)],
    ids=["variable", "option", "the option wins"],
)
def test_a_profile_is_chosen(
    root: Path, monkeypatch: pytest.MonkeyPatch, variable: str, option: str | None, cpus: int
) -> None:
    """By the environment, or by what was typed."""
    monkeypatch.setenv("DOCKYARD_PROFILE", variable)
    assert open_workspace(root, profile=option).project.cluster.cpus == cpus


def test_names_of_secrets_are_taken_once() -> None:
    """In the order of the file."""
    project = Project.model_validate(
        {
            "name": "test",
            "releases": {
                "web": {"chart": "a", "secrets": ["KEY", "OTHER"]},
                "api": {"chart": "b", "secrets": ["URL", "KEY"]},
            },
        }
    )
    assert secret_names(project) == ("KEY", "OTHER", "URL")


def test_programs_are_the_projects_own(root: Path) -> None:
    """Pinned in .tools, whatever is on PATH."""
    programs = open_workspace(root).programs
    assert (programs["helm"], programs["kubectl"]) == (root / ".tools/bin/helm", root / ".tools/bin/kubectl")


def test_secrets_are_redacted_from_the_start(root: Path) -> None:
    """Whatever is printed or kept goes through what knows them."""
    (root / ".env").write_text("KEY=correct-horse-battery\n", encoding="utf-8")
    redact = open_workspace(root).redactor.redact
    assert "correct-horse" not in redact("it said correct-horse-battery")


def test_a_deploy_is_done_by_this_process_and_by_the_time_of_day() -> None:
    """In UTC, since another machine compares it with its own; failures are taken back where nothing else is said."""
    how = options(jobs=3, wait_lock=5)
    assert (how.jobs, how.wait_lock, how.policy, how.who) == (3, 5, Policy(), myself())
    assert abs(how.wall() - datetime.now(UTC)) < timedelta(minutes=1)
    assert how.wall().tzinfo is UTC
    assert options(jobs=1, policy=Policy(roll_back=False)).policy == Policy(roll_back=False)
    assert how.alive(myself()) is True


def test_nothing_is_written(root: Path) -> None:
    """Opening is not changing."""
    before = sorted(root.rglob("*"))
    open_workspace(root)
    assert sorted(root.rglob("*")) == before


def test_without_a_project_it_says_so(tmp_path: Path) -> None:
    """With what to do."""
    with pytest.raises(ConfigError, match=r"There is no dockyard\.yaml"):
        open_workspace(tmp_path)


def test_the_machines_own_certificates(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where it names a file that is there; an empty or stale name is none."""
    bundle = tmp_path / "ca.crt"
    monkeypatch.setenv("SSL_CERT_FILE", str(bundle))
    assert machine_certificates() is None
    bundle.touch()
    assert machine_certificates() == bundle
    monkeypatch.setenv("SSL_CERT_FILE", "")
    assert machine_certificates() is None
