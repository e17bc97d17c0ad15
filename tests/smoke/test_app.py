"""The app: asked through its NodePorts, and from pod to pod."""

from __future__ import annotations

import json
import time
import urllib.request
import uuid
from typing import Any

import pytest

from dockyard.tools.clock import SystemClock, ticks
from dockyard.tools.helm import Helm
from dockyard.tools.http import ask
from dockyard.tools.kubectl import Kubectl
from dockyard.workspace import Workspace
from tests.smoke.test_releases import pods_of

pytestmark = pytest.mark.cluster

BACKEND, FRONTEND = 30081, 30080
REPLACED_WITHIN = 10.0
"""Seconds for a killed pod to be replaced and to serve (SC-004)."""


def url(workspace: Workspace, port: int, path: str) -> str:
    """Return a URL of a NodePort."""
    return f"http://{workspace.cluster.address(port)}{path}"


def post(address: str, body: dict[str, Any]) -> dict[str, Any]:
    """POST JSON and return the JSON that is answered."""
    request = urllib.request.Request(  # noqa: S310 - an address of this machine
        address, data=json.dumps(body).encode(), headers={"Content-Type": "application/json"}
    )
    with urllib.request.urlopen(request, timeout=5) as response:  # noqa: S310
        answer: dict[str, Any] = json.load(response)
        return answer


@pytest.mark.parametrize(
    ("port", "path"), [(BACKEND, "/health"), (BACKEND, "/ready"), (FRONTEND, "/health"), (FRONTEND, "/")]
)
def test_node_ports_answer(workspace: Workspace, port: int, path: str) -> None:
    """Backend and frontend answer on the NodePorts of the specification."""
    assert ask(url(workspace, port, path)).status == 200


def test_the_running_version_is_the_deployed_tag(workspace: Workspace, helm: Helm) -> None:
    """The version that the backend tells is the appVersion of its release: a rollback can be seen from outside."""
    release = next(entry for entry in helm.releases() if entry.name == "backend")
    assert json.loads(ask(url(workspace, BACKEND, "/health")).body)["version"] == release.app_version


@pytest.mark.parametrize("name", ["ai-todo-mcp-service", "ai-todo-mcp-service.default.svc.cluster.local"])
def test_a_pod_reaches_another_service_by_name(kubectl: Kubectl, name: str) -> None:
    """The backend's pod resolves the MCP server's Service, short and full, and gets an answer (FR-009)."""
    pod = pods_of(kubectl, "backend")[0]["metadata"]["name"]
    code = f"import urllib.request as u; print(u.urlopen('http://{name}:8001/health', timeout=5).status)"
    assert kubectl.execute(pod, ["python", "-c", code]).stdout.strip() == "200"


def test_the_mcp_server_lists_tasks_to_a_pod(workspace: Workspace, kubectl: Kubectl) -> None:
    """A tool call from the backend's pod, by the Service's name, returns a task that the NodePort took."""
    title = f"ask {uuid.uuid4()}"
    post(url(workspace, BACKEND, "/api/tasks"), {"title": title})
    call = {"jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": {"name": "list_tasks", "arguments": {}}}
    code = (
        "import sys, urllib.request as u;"
        "r = u.Request('http://ai-todo-mcp-service:8001/mcp', data=sys.argv[1].encode(), headers={"
        "'Content-Type': 'application/json', 'Accept': 'application/json, text/event-stream',"
        "'MCP-Protocol-Version': '2025-06-18'});"
        "print(u.urlopen(r, timeout=5).read().decode())"
    )
    pod = pods_of(kubectl, "backend")[0]["metadata"]["name"]
    answer = json.loads(kubectl.execute(pod, ["python", "-c", code, json.dumps(call)]).stdout)
    assert answer["result"].get("isError") is not True
    assert title in json.dumps(answer["result"])


def test_a_name_that_no_service_has_is_not_resolved(kubectl: Kubectl) -> None:
    """Cluster DNS says of an unknown Service that it does not exist."""
    pod = pods_of(kubectl, "backend")[0]["metadata"]["name"]
    code = "import socket; socket.getaddrinfo('no-such-service.default.svc.cluster.local', 80)"
    done = kubectl.execute(pod, ["python", "-c", code], check=False)
    assert done.returncode != 0
    assert "gaierror" in done.stderr


def test_a_write_survives_a_pod_kill(workspace: Workspace, kubectl: Kubectl) -> None:
    """A task that was written is still there after the backend's pod was killed, within ten seconds (SC-004)."""
    title = f"survive {uuid.uuid4()}"
    written = post(url(workspace, BACKEND, "/api/tasks"), {"title": title})
    (before,) = (pod["metadata"]["name"] for pod in pods_of(kubectl, "backend"))
    killed_at = time.monotonic()
    kubectl.delete("pod", before, wait=False, grace=0)
    for _ in ticks(SystemClock(), limit=3 * REPLACED_WITHIN, pause=0.2):
        pods = pods_of(kubectl, "backend")
        answer = ask(url(workspace, BACKEND, "/api/tasks"))
        if answer.ok and [pod["metadata"]["name"] for pod in pods] != [before]:
            break
    gone = time.monotonic() - killed_at
    assert answer.ok, answer
    assert title in [task["title"] for task in json.loads(answer.body)]
    assert any(task["id"] == written["id"] for task in json.loads(answer.body))
    assert before not in [pod["metadata"]["name"] for pod in pods_of(kubectl, "backend")]
    assert gone < REPLACED_WITHIN
