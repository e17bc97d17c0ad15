"""Tasks of the cluster."""

from __future__ import annotations

import json

import pytest

from dockyard.model.cluster import EMBEDDED_KUBERNETES
from tests.cli.conftest import Inv
from tests.fakes import FakeWorkspace


@pytest.mark.parametrize("task", ["start", "stop", "delete"])
def test_a_task_does_one_thing(inv: Inv, workspace: FakeWorkspace, task: str) -> None:
    """The one that it is called."""
    assert inv(f"cluster.{task}") == 0
    assert workspace.cluster.calls == [task]


def test_status_of_a_running_cluster(inv: Inv, workspace: FakeWorkspace, capsys: pytest.CaptureFixture[str]) -> None:
    """Exit code 0, in the specification's keys."""
    assert workspace.cluster.running
    assert inv("cluster.status", "--json") == 0
    facts = json.loads(capsys.readouterr().out)
    assert (facts["status"], facts["kubernetesVersion"]) == ("Running", EMBEDDED_KUBERNETES)
    assert inv("cluster.status") == 0
    assert "Running" in capsys.readouterr().out


def test_status_of_no_cluster(inv: Inv, workspace: FakeWorkspace, capsys: pytest.CaptureFixture[str]) -> None:
    """Exit code 1, for scripts; a sentence for people, null for machines."""
    workspace.cluster.running = False
    assert inv("cluster.status") == 1
    assert capsys.readouterr().out == "There is no cluster test; `./inv cluster.start` makes one.\n"
    assert inv("cluster.status", "--json") == 1
    assert json.loads(capsys.readouterr().out) is None
