"""There and back: a release removed and installed again, and a change rolled back."""

from __future__ import annotations

from dataclasses import replace
from types import MappingProxyType

import pytest

from dockyard.cli.app import refuse_errors
from dockyard.cli.wiring import options
from dockyard.deploy import pipeline
from dockyard.releases.plan import Verb
from dockyard.releases.records import read_records
from dockyard.releases.rollout import Deployed
from dockyard.releases.site import connect
from dockyard.tools.helm import Helm
from dockyard.tools.http import ask
from dockyard.workspace import Workspace
from tests.fakes import Recorder
from tests.smoke.kubectl import Kubectl

pytestmark = pytest.mark.cluster

WAIT = 120.0
"""Seconds to wait for whoever else deploys to this cluster."""


def level(kubectl: Kubectl) -> str:
    """Return the log level that the MCP server's ConfigMap has now."""
    found = {entry["metadata"]["name"]: entry["data"] for entry in kubectl.get("configmaps")}
    return str(found["ai-todo-mcp-config"]["LOG_LEVEL"])


def deploy(workspace: Workspace, name: str) -> Deployed:
    """Deploy one release as the task does."""
    how = options(jobs=2, wait_lock=WAIT)
    (done,) = pipeline.deploy(workspace, (name,), Recorder(), how, gate=refuse_errors)
    return done


def test_a_release_can_be_removed_and_installed_at_once(workspace: Workspace, kubectl: Kubectl) -> None:
    """Nothing of it is left when `destroy` returns, and a deploy right behind it serves."""
    for _ in range(2):
        pipeline.destroy(workspace, ("frontend",), Recorder(), options(jobs=2, wait_lock=WAIT))
        there = kubectl.get("deployments", "pods", "services", "configmaps", "secrets")
        assert [entry["metadata"]["name"] for entry in there if "ai-todo-frontend" in entry["metadata"]["name"]] == []
        done = deploy(workspace, "frontend")
        assert (done.revision, [answer.status for answer in done.served[0].answers]) == (1, [200, 200, 200])
    assert ask(f"{done.served[0].url}/health").ok


def test_a_second_deploy_changes_nothing(workspace: Workspace, helm: Helm) -> None:
    """What the live API server made of what was sent is no drift."""
    deploy(workspace, "mcp")
    before = helm.history("mcp")
    assert deploy(workspace, "mcp").verb is Verb.NOTHING
    assert helm.history("mcp") == before


def test_a_change_is_deployed_and_rolled_back(workspace: Workspace, kubectl: Kubectl, helm: Helm) -> None:
    """A changed value becomes a new revision and rolls the pods; the rollback brings the old value and new pods."""
    first = deploy(workspace, "mcp").revision
    before = level(kubectl)
    spec = workspace.project.release("mcp").model_copy(update={"config": MappingProxyType({"LOG_LEVEL": "debug"})})
    releases = MappingProxyType({**workspace.project.releases, "mcp": spec})
    changed = replace(workspace, project=workspace.project.model_copy(update={"releases": releases}))
    done = deploy(changed, "mcp")
    assert (before, level(kubectl), done.revision) == ("info", "debug", first + 1)
    pods = {pod["metadata"]["name"] for pod in kubectl.get("pods", selector="app=ai-todo-mcp")}
    target, back = pipeline.roll_back(workspace, "mcp", None, Recorder(), options(jobs=1, wait_lock=WAIT))
    assert (target.number, back.revision, level(kubectl)) == (first, first + 2, "info")
    assert {first, first + 1, first + 2} <= read_records(connect(workspace).api)["mcp"].good
    assert helm.history("mcp")[-1].description == f"Rollback to {first}"
    (serving,) = [
        pod for pod in kubectl.get("pods", selector="app=ai-todo-mcp") if "deletionTimestamp" not in pod["metadata"]
    ]
    assert serving["metadata"]["name"] not in pods
