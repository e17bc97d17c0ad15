"""There and back: a release removed and installed again, and a change rolled back."""

from __future__ import annotations

from dataclasses import replace
from types import MappingProxyType

import pytest
from dockyard.prepare import prepare

from dockyard.deploy import deploy, destroy
from dockyard.releases.rollback import rollback
from dockyard.tools.http import ask
from dockyard.tools.kubectl import Kubectl
from dockyard.workspace import Workspace
from tests.fakes import Recorder

pytestmark = pytest.mark.cluster


def level(kubectl: Kubectl) -> str:
    """Return the log level that the MCP server's ConfigMap has now."""
    found = {entry["metadata"]["name"]: entry["data"] for entry in kubectl.get("configmaps")}
    return str(found["ai-todo-mcp-config"]["LOG_LEVEL"])


def test_a_release_can_be_removed_and_installed_at_once(workspace: Workspace, kubectl: Kubectl) -> None:
    """Nothing of it is left when `destroy` returns, and a deploy right behind it serves."""
    ready = prepare(workspace, ("frontend",), Recorder())
    for _ in range(2):
        destroy(ready, ("frontend",), Recorder())
        there = kubectl.get("deployments", "pods", "services", "configmaps", "secrets")
        assert [entry["metadata"]["name"] for entry in there if "ai-todo-frontend" in entry["metadata"]["name"]] == []
        (done,) = deploy(ready, ("frontend",), Recorder())
        assert (done.revision, [answer.status for answer in done.served[0].answers]) == (1, [200, 200, 200])
    assert ask(f"{done.served[0].url}/health").ok


def test_a_change_is_deployed_and_rolled_back(workspace: Workspace, kubectl: Kubectl) -> None:
    """A changed value becomes a new revision and rolls the pods; the rollback brings the old value and new pods."""
    ready = prepare(workspace, ("mcp",), Recorder())
    before = level(kubectl)
    spec = ready.project.release("mcp").model_copy(update={"config": MappingProxyType({"LOG_LEVEL": "debug"})})
    releases = MappingProxyType({**ready.project.releases, "mcp": spec})
    changed = replace(ready, project=ready.project.model_copy(update={"releases": releases}))
    first = max(entry.revision for entry in ready.helm().history("mcp"))
    (done,) = deploy(changed, ("mcp",), Recorder())
    assert (before, level(kubectl), done.revision) == ("info", "debug", first + 1)
    pods = {pod["metadata"]["name"] for pod in kubectl.get("pods", selector="app=ai-todo-mcp")}
    back = rollback(ready, "mcp", None, Recorder())
    assert (back.target, back.revision, level(kubectl)) == (first, first + 2, "info")
    (serving,) = [
        pod for pod in kubectl.get("pods", selector="app=ai-todo-mcp") if "deletionTimestamp" not in pod["metadata"]
    ]
    assert serving["metadata"]["name"] not in pods
