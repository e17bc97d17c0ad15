"""Invoke inside the test's own process: nothing is started, and what a user would see is in `capsys`."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Protocol

import pytest
from invoke.program import Program

from dockyard.charts.manifests import Manifests
from dockyard.cli import namespace, wiring
from dockyard.releases.records import mark_good
from tests.fakes import FakeDocker, FakeWorkspace, fake_workspace, rendered

PROJECT: dict[str, Any] = {
    "images": {"api-image": {"baseImage": "python:3.13-slim", "buildContext": "api", "dockerfile": "Dockerfile"}},
    "releases": {
        "web": {"chart": "helm/web", "needs": ["api"], "timeout": 30},
        "api": {"chart": "helm/api", "image": "api-image", "timeout": 30},
    },
}
FIRST, SECOND = rendered("api", image="api-image:v1"), rendered("api", image="api-image:v2", node_port=30081)
"""What was sent for the two revisions of `api`."""


class Inv(Protocol):
    """Runs `./inv` with arguments."""

    def __call__(self, *argv: str) -> int:
        """Return the exit code."""


@pytest.fixture
def inv() -> Inv:
    """Return what runs a command line."""

    def run(*argv: str) -> int:
        try:
            Program(namespace=namespace()).run(["inv", *argv])
        except SystemExit as end:
            return int(end.code or 0)
        return 0

    return run


@pytest.fixture
def workspace(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> FakeWorkspace:
    """The workspace that every task gets: `api` is installed twice, the first was seen Ready; `web` is not."""
    docker = FakeDocker("python:3.13-slim", "api-image:v1")
    made = fake_workspace(tmp_path, PROJECT, docker=docker)
    mark_good(made.fake_api, made.fake_helm.record("api", FIRST, tag="v1"))
    made.fake_helm.record("api", SECOND, tag="v2")
    made.fake_api.apply(Manifests.parse(SECOND))
    made.fake_api.changes.clear()
    made.cluster.held.update({name: f"sha256:{name}" for name in ("api-image:v1", "api-image:v2")})
    monkeypatch.setattr(wiring, "open_workspace", lambda **_: made)
    return made


@pytest.fixture
def sources(workspace: FakeWorkspace) -> FakeWorkspace:
    """The same with the sources of its charts and its image, so that it can be deployed."""
    (workspace.root / "api").mkdir()
    (workspace.root / "api" / "main.py").write_text("print(1)\n", encoding="utf-8")
    (workspace.root / "Dockerfile").write_text("FROM scratch\n", encoding="utf-8")
    for name in ("api", "web"):
        (workspace.root / "helm" / name).mkdir(parents=True)
        (workspace.root / "helm" / name / "Chart.yaml").touch()
    workspace.fake_helm.charts = {
        "api": rendered("api", image="api-image:@TAG@"),
        "web": rendered("web", image="somebody/web:1"),
    }
    return workspace
