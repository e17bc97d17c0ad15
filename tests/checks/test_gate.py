"""The gate of a deploy, over a broken copy of this repository's own project."""

from __future__ import annotations

import re
import shutil
from pathlib import Path

import pytest

from dockyard.checks.gate import refuse_errors
from dockyard.cli.wiring import open_workspace
from dockyard.model.cluster import EMBEDDED_KUBERNETES
from dockyard.model.errors import RefusedError
from tests.conftest import MissingTool
from tests.fakes import Recorder

ROOT = Path(__file__).parents[2]
CONTEXTS = (
    "backend/src",
    "backend/image",
    "frontend/server",
    "frontend/web",
    "frontend/scripts",
)
FILES = ("dockyard.yaml", ".env.example", "backend/requirements-backend.lock", "backend/requirements-mcp.lock")

TARGET = "targetPort: {{ .Values.containerPort }}"

pytestmark = pytest.mark.process


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, missing_tool: MissingTool) -> Path:
    """A copy of what the checks of this repository look at, with every secret set."""
    if not (ROOT / ".tools/bin/helm").exists():
        missing_tool("helm in .tools/bin")
    for folder in ("helm", "dockerfiles", *CONTEXTS):
        shutil.copytree(ROOT / folder, tmp_path / folder)
    for file in (*FILES, *(str(path.relative_to(ROOT)) for path in (ROOT / "frontend").glob("*.*") if path.is_file())):
        shutil.copy(ROOT / file, tmp_path / file)
    shutil.copy(ROOT / "frontend/.dockerignore", tmp_path / "frontend")
    (tmp_path / ".tools").symlink_to(ROOT / ".tools")
    for name in ("DATABASE_URL", "BETTER_AUTH_SECRET", "OPENAI_API_KEY"):
        monkeypatch.setenv(
            name, f"postgresql://u:{'Zq8' * 12}@db.internal/x" if name == "DATABASE_URL" else "Zq8v" * 10
        )
    return tmp_path


def gate(project: Path, names: tuple[str, ...], report: Recorder, *, strict: bool = False) -> None:
    """Ask the gate about releases of a project."""
    refuse_errors(open_workspace(project), names, {}, report, kubernetes_version=EMBEDDED_KUBERNETES, strict=strict)


def test_a_sound_project_passes(project: Path) -> None:
    """Our own charts have no error and no warning: nothing is said."""
    events = Recorder()
    gate(project, ("mcp", "backend", "frontend"), events)
    assert events.events == []


def test_a_chart_that_cannot_start_is_refused_with_every_cause(project: Path) -> None:
    """Two mistakes in two charts are told at once, with where they stand and how they are mended; exit code 4."""
    backend, frontend = (project / f"helm/{name}/templates" for name in ("backend", "frontend"))
    service = (backend / "service.yaml").read_text(encoding="utf-8")
    (backend / "service.yaml").write_text(service.replace(TARGET, "targetPort: 9999"), encoding="utf-8")
    pod = (frontend / "deployment.yaml").read_text(encoding="utf-8")
    (frontend / "deployment.yaml").write_text(pod.replace("-config\n", "-confg\n"), encoding="utf-8")
    with pytest.raises(RefusedError) as caught:
        gate(project, ("mcp", "backend", "frontend"), Recorder())
    assert caught.value.exit_code == 4
    assert "helm/backend/templates/service.yaml" in caught.value.why
    assert "9999" in caught.value.why
    assert "helm/frontend/templates/deployment.yaml" in caught.value.why
    assert "ai-todo-frontend-confg" in caught.value.why
    assert "DY102" in caught.value.fix


def test_the_strict_are_refused_a_warning(project: Path) -> None:
    """What a usual deploy tells and goes on from."""
    backend = project / "helm/backend/templates/deployment.yaml"
    text = backend.read_text(encoding="utf-8")
    backend.write_text(re.sub(r" *livenessProbe:\n.*\n", "", text), encoding="utf-8")
    events, strict = Recorder(), Recorder()
    gate(project, ("backend",), events)
    (warned,) = events.events
    assert (warned.stage, warned.text[:5]) == ("Warning", "DY308")
    with pytest.raises(RefusedError, match="The checks found 1 finding, ") as caught:
        gate(project, ("backend",), strict, strict=True)
    assert warned.text in caught.value.why
    assert strict.events == []


def test_what_is_not_sent_is_not_held_against_the_rest(project: Path) -> None:
    """A broken chart does not keep another release from being deployed alone."""
    service = project / "helm/backend/templates/service.yaml"
    service.write_text(service.read_text(encoding="utf-8").replace(TARGET, "targetPort: 9999"), encoding="utf-8")
    with pytest.raises(RefusedError):
        gate(project, ("backend",), Recorder())
    gate(project, ("mcp",), Recorder())
