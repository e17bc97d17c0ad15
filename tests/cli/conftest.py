"""Invoke inside the test's own process: nothing is started, and what a user would see is in `capsys`."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Protocol

import pytest
from invoke.program import Program

from dockyard.cli import namespace, wiring
from tests.fakes import FakeDocker, FakeHelm, FakeKubectl, FakeWorkspace, fake_workspace
from tests.releases.objects import deployment, endpoints, pod, replica_set, runs, service, text

PROJECT: dict[str, Any] = {
    "images": {"api-image": {"baseImage": "python:3.13-slim", "buildContext": "api", "dockerfile": "Dockerfile"}},
    "releases": {
        "web": {"chart": "helm/web", "needs": ["api"]},
        "api": {"chart": "helm/api", "image": "api-image"},
    },
}
LIVE = (deployment("api"), replica_set(of="api"), pod("api-a", runs(), owner="uid-api-2"), endpoints("api", "10.0.0.1"))


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
    """The workspace that every task gets: `api` is installed twice, `web` is not."""
    helm = FakeHelm()
    helm.record("api", text(deployment("api")), tag="v1")
    helm.record("api", text(deployment("api"), service("api", node_port=30081)), tag="v2")
    docker = FakeDocker("web:v1")
    made = fake_workspace(tmp_path, PROJECT, docker=docker, helm=helm, kubectl=FakeKubectl(LIVE))
    made.cluster.held["web:v1"] = "sha256:web:v1"
    monkeypatch.setattr(wiring, "open_workspace", lambda **_: made)
    return made
