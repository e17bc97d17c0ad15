"""The live cluster that `deploy` left, for tests that ask it from outside and from inside."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest
import testinfra
from testinfra.host import Host

from dockyard.cli.wiring import open_workspace
from dockyard.tools.helm import Helm
from dockyard.workspace import Workspace
from tests.smoke.kubectl import Kubectl
from tests.smoke.person import Person, stranger

ROOT = Path(__file__).parents[2]
MEASURED = ROOT / ".dockyard" / "smoke.json"


@pytest.fixture(scope="session")
def measured() -> Iterator[dict[str, float]]:
    """Where what is measured goes; kept in a file, from which `scripts/app_doc.py` writes docs/app.md."""
    figures: dict[str, float] = {}
    yield figures
    before = json.loads(MEASURED.read_text(encoding="utf-8")) if MEASURED.exists() else {}
    MEASURED.parent.mkdir(exist_ok=True)
    MEASURED.write_text(json.dumps(before | figures, indent=1), encoding="utf-8")


@pytest.fixture(scope="session")
def workspace() -> Workspace:
    """The workspace of this repository's own project."""
    return open_workspace(ROOT)


@pytest.fixture(scope="session")
def kubectl(workspace: Workspace) -> Kubectl:
    """The pinned kubectl on the live cluster."""
    return Kubectl(workspace.programs["kubectl"], workspace.target())


@pytest.fixture(scope="session")
def helm(workspace: Workspace) -> Helm:
    """The pinned Helm on the live cluster."""
    return workspace.helm(workspace.target())


@pytest.fixture(scope="session")
def node(workspace: Workspace) -> Host:
    """The node, entered through Docker."""
    return testinfra.get_host(f"docker://{workspace.cluster.name}")


@pytest.fixture(scope="session")
def machine() -> Host:
    """This machine."""
    return testinfra.get_host("local://")


@pytest.fixture
def person(workspace: Workspace) -> Person:
    """Someone who has just signed up."""
    person = stranger(workspace)
    person.sign_up()
    return person
