"""What all tests share: nothing starts a program unmarked, and what is missing is skipped at home and fails in CI.

The markers `process`, `docker` and `cluster` are registered in pyproject.toml.
"""

from __future__ import annotations

import os
import signal
import subprocess
from typing import NoReturn, Protocol

import pytest

from dockyard import credentials
from dockyard.model.errors import DockyardError
from dockyard.tools.docker import Docker

# A job in the background of a shell ignores Ctrl-C, and so would all that tests start: they try it on purpose.
if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    signal.signal(signal.SIGINT, signal.default_int_handler)

MAY_START = ("process", "docker", "cluster")
"""The markers of tests that may start programs."""


class MissingTool(Protocol):
    """How a test ends that lacks something."""

    def __call__(self, what: str, *, fix: str = "run `./inv setup`") -> NoReturn:
        """Skip the test at home, fail it in CI.

        Args:
            what: What is missing.
            fix: How to get it.
        """


@pytest.fixture(scope="session")
def missing_tool() -> MissingTool:
    """Return what ends a test that lacks something."""

    def end(what: str, *, fix: str = "run `./inv setup`") -> NoReturn:
        if os.environ.get("CI"):
            pytest.fail(f"{what} is missing, and in CI nothing is skipped: {fix}")
        pytest.skip(f"{what} is missing: {fix}")

    return end


@pytest.fixture(scope="session")
def engine(missing_tool: MissingTool) -> Docker:
    """Return the Docker engine, which answers."""
    docker = Docker()
    try:
        docker.version()
    except DockyardError as error:
        missing_tool("The Docker engine", fix=str(error))
    return docker


@pytest.fixture(autouse=True)
def _own_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let no test find the secrets that another one's command took out of the environment."""
    monkeypatch.setattr(credentials, "TAKEN", {})


def _refuse(*_: object, **__: object) -> NoReturn:
    # An outcome of pytest is no Exception: code under test that handles those cannot swallow it.
    pytest.fail(f"This test starts a program and carries none of the markers {', '.join(MAY_START)}")


@pytest.fixture(autouse=True)
def _starting_programs(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """Let a test start a program only where it says so; `sh` forks, the others spawn."""
    if request.node.get_closest_marker("docker"):
        request.getfixturevalue("engine")
    if not any(request.node.get_closest_marker(name) for name in MAY_START):
        monkeypatch.setattr(subprocess.Popen, "__init__", _refuse)
        # An object that was never made has nothing to clean up: without this, its own clean-up warns.
        monkeypatch.setattr(subprocess.Popen, "__del__", lambda _: None)
        for name in ("fork", "forkpty", "posix_spawn", "posix_spawnp", "system"):
            monkeypatch.setattr(os, name, _refuse)
