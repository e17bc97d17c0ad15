"""The charts on the live cluster: `helm test`, and a second copy in a namespace of its own with more pods than one."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from typing import Any

import pytest

from dockyard.tools.clock import SystemClock, ticks
from dockyard.tools.process import Completed, run
from dockyard.tools.target import Target
from dockyard.workspace import Workspace
from tests.smoke.conftest import ROOT
from tests.smoke.kubectl import Kubectl

pytestmark = pytest.mark.cluster

NAMESPACE = f"ai-todo-beside-{os.getpid()}"
"""One of its own for each run: a namespace may take more than a minute to go, and nothing waits for that."""


def helm(program: str, target: Target, *arguments: str, stdin: str | None = None) -> Completed:
    """Start one of the two Helms on the cluster."""
    where = (f"--kubeconfig={target.kubeconfig}", f"--kube-context={target.context}", f"--namespace={target.namespace}")
    return run([str(ROOT / ".tools" / "bin" / program), *arguments, *where], timeout=120, stdin=stdin)


@pytest.mark.parametrize("program", ["helm", "helm3"])
@pytest.mark.parametrize("release", ["mcp", "backend", "frontend"])
def test_helm_test_passes(workspace: Workspace, release: str, program: str) -> None:
    """A pod in the cluster reaches each Service by its name, and is gone afterwards."""
    done = helm(program, workspace.target(), "test", release, "--timeout", "60s")
    assert "Phase:" in done.stdout
    assert "Succeeded" in done.stdout


@pytest.fixture
def beside(workspace: Workspace) -> Iterator[Kubectl]:
    """Install the MCP server once more, by Helm 3, with two pods, a budget and a network policy."""
    target = workspace.target()
    values = json.loads(helm("helm", target, "get", "values", "mcp", "--output", "json").stdout)
    values |= {"replicaCount": 2, "networkPolicy": {"enabled": True}}
    there = Target(kubeconfig=target.kubeconfig, context=target.context, namespace=NAMESPACE)
    options = ("--create-namespace", "--values=-")
    helm("helm3", there, "install", "mcp", str(ROOT / "helm" / "mcp"), *options, stdin=json.dumps(values))
    kubectl = Kubectl(workspace.programs["kubectl"], there)
    yield kubectl
    helm("helm3", there, "uninstall", "mcp")
    kubectl.delete("namespace", NAMESPACE, wait=False)


def test_a_second_copy_runs_beside_the_first(beside: Kubectl) -> None:
    """Two pods serve in another namespace, of which one at a time may be taken away; the first copy is untouched."""
    for _ in ticks(SystemClock(), limit=60, pause=0.5):
        (deployment,) = beside.get("deployments")
        (budget,) = beside.get("poddisruptionbudgets")
        status: dict[str, Any] = {**deployment["status"], **budget["status"]}
        if status.get("readyReplicas") == 2 and status.get("disruptionsAllowed") == 1:
            break
    assert (status.get("readyReplicas"), status.get("disruptionsAllowed")) == (2, 1)
    (policy,) = beside.get("networkpolicies")
    assert policy["spec"]["podSelector"] == {"matchLabels": {"app": "ai-todo-mcp"}}
