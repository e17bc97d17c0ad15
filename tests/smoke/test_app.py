"""The app: asked through its NodePorts, and from pod to pod."""

from __future__ import annotations

import json
import threading
import time
import uuid
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from dockyard.clusters.protocol import ExposedPort
from dockyard.releases.site import connect
from dockyard.tools.clock import SystemClock, ticks
from dockyard.tools.helm import Helm
from dockyard.tools.http import ask
from dockyard.workspace import Workspace
from tests.smoke.kubectl import Kubectl
from tests.smoke.person import BACKEND, BRIEF, FRONTEND, Person, stranger
from tests.smoke.test_releases import pods_of

pytestmark = pytest.mark.cluster

REPLACED_WITHIN = 10.0
"""Seconds for a killed pod to be replaced and to serve (SC-004)."""


def url(workspace: Workspace, port: int, path: str) -> str:
    """Return a URL of a NodePort."""
    return f"http://{workspace.cluster.address(ExposedPort(port=port, node_port=port))}{path}"


@pytest.mark.parametrize(
    ("port", "path"),
    [(BACKEND, "/health"), (BACKEND, "/ready"), (FRONTEND, "/health"), (FRONTEND, "/ready"), (FRONTEND, "/")],
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


def test_form_and_chat_are_one_list(person: Person) -> None:
    """A task that the page adds is listed by the assistant's tool, and one that the assistant adds is on the page."""
    task = person.api("POST", "/tasks", {"title": "by form"}).body
    added = person.say("add by chat")
    assert added.body["tool_calls"][0]["tool"] == "add_task"
    assert person.say("list").body["reply"].splitlines() == [
        f"{task['id']}. ☐ by form",
        f"{added.body['tool_calls'][0]['result']['id']}. ☐ by chat",
    ]
    assert person.titles() == ["by form", "by chat"]


def test_a_request_has_one_id_in_every_log(person: Person, kubectl: Kubectl) -> None:
    """The id that the page sends stands in the backend's line and in the MCP server's, each one JSON object."""
    sent = uuid.uuid4().hex
    person.api("POST", "/chat", {"message": "list"}, **{"X-Request-ID": sent})
    for service, path in (("backend", f"/api/{person.id}/chat"), ("mcp", "/mcp")):
        lines = kubectl.logs(pods_of(kubectl, service)[0]["metadata"]["name"], tail=50).splitlines()
        entries = [json.loads(line) for line in lines]
        assert [entry["path"] for entry in entries if entry.get("request_id") == sent and "path" in entry] == [path]


BAD = {
    "10 KB of title": ("POST", "/tasks", {"title": "x" * 10_240}, 422),
    "1 MB of message": ("POST", "/chat", {"message": "x" * 2**20}, 413),
    "no JSON": ("POST", "/tasks", b"title=milk", 400),
    "no JSON in a chat": ("POST", "/chat", b"{", 400),
    "no such task": ("GET", "/tasks/9223372036854775807", None, 404),
    "no such conversation": ("GET", "/conversations/9223372036854775807/messages", None, 404),
}


@pytest.mark.parametrize(("method", "path", "body", "status"), BAD.values(), ids=BAD.keys())
def test_bad_input_is_a_problem(person: Person, method: str, path: str, body: Any, status: int) -> None:  # noqa: ANN401
    """The right status with a problem in JSON, no stack trace, and nothing kept."""
    answer = person.api(method, path, body)
    assert (answer.status, answer.headers["content-type"]) == (status, "application/problem+json")
    assert "Traceback" not in str(answer.body)
    assert person.titles() == []


@pytest.mark.parametrize("title", ["🥛" * 100, "'); DROP TABLE tasks; --", "<script>alert(1)</script>"])
def test_odd_titles_are_titles(person: Person, title: str) -> None:
    """Emoji, SQL and HTML come back as they went in, by the API and by the assistant."""
    assert person.api("POST", "/tasks", {"title": title}).status == 201
    assert person.say(f"add {title}").body["tool_calls"][0]["failed"] is False
    assert person.titles() == [title, title]


def test_a_stranger_is_kept_out(person: Person, workspace: Workspace) -> None:
    """Without a token and with a broken one 401; with one's own to another's list 403."""
    other = stranger(workspace)
    other.id, other.token = person.id, f"{person.token[:-8]}AAAAAAAA"
    broken = other.api("GET", "/tasks").status
    none = other.api("GET", "/tasks", Authorization="").status
    other.token, other.id = person.token, "somebody-else"
    assert (broken, none, other.api("GET", "/tasks").status) == (401, 401, 403)


def test_a_name_that_no_service_has_is_not_resolved(kubectl: Kubectl) -> None:
    """Cluster DNS says of an unknown Service that it does not exist."""
    pod = pods_of(kubectl, "backend")[0]["metadata"]["name"]
    code = "import socket; socket.getaddrinfo('no-such-service.default.svc.cluster.local', 80)"
    done = kubectl.execute(pod, ["python", "-c", code], check=False)
    assert done.returncode != 0
    assert "gaierror" in done.stderr


@pytest.mark.parametrize("service", ["mcp", "backend", "frontend"])
def test_a_killed_pod_costs_no_data_and_no_session(
    person: Person, kubectl: Kubectl, measured: dict[str, float], service: str
) -> None:
    """Tasks, conversation and session are there when another pod serves, within ten seconds (SC-004)."""
    said = person.say("add survive")
    (before,) = (pod["metadata"]["name"] for pod in pods_of(kubectl, service))
    person.patience = BRIEF
    killed_at = time.monotonic()
    kubectl.delete("pod", before, wait=False, grace=0)
    for _ in ticks(SystemClock(), limit=3 * REPLACED_WITHIN, pause=0.2):
        if replaced(kubectl, service, before) and whole(person):
            break
    gone = time.monotonic() - killed_at
    assert replaced(kubectl, service, before)
    measured[f"{service} replaced"] = round(gone, 1)
    assert gone < REPLACED_WITHIN
    assert person.titles() == ["survive"]
    messages = person.api("GET", f"/conversations/{said.body['conversation_id']}/messages").body
    assert [message["content"] for message in messages] == ["add survive", said.body["reply"]]


def running(kubectl: Kubectl, service: str) -> set[str]:
    """Return the names of a service's pods whose program runs, those on their way out too."""
    return {
        pod["metadata"]["name"]
        for pod in kubectl.get("pods", selector=f"app=ai-todo-{service}")
        if any("running" in status["state"] for status in pod["status"].get("containerStatuses", ()))
    }


def replaced(kubectl: Kubectl, service: str, pod: str) -> bool:
    """Tell whether another pod of a service is ready in the place of one."""
    others = [entry for entry in pods_of(kubectl, service) if entry["metadata"]["name"] != pod]
    statuses = [status for entry in others for status in entry["status"].get("containerStatuses", ())]
    return any(status["ready"] for status in statuses)


def whole(person: Person) -> bool:
    """Tell whether the app does all that it should for someone: session, API, and the assistant's tools."""
    if not person.renew():
        return False
    said = person.say("list")
    return said.status == 200 and bool(said.body["tool_calls"])


@pytest.mark.parametrize("service", ["mcp", "backend", "frontend"])
def test_a_rolling_update_loses_no_request(
    person: Person, workspace: Workspace, kubectl: Kubectl, measured: dict[str, float], service: str
) -> None:
    """While every pod is replaced, each request, tool and token is had (SC-005)."""
    before = {pod["metadata"]["name"] for pod in pods_of(kubectl, service)}
    over = threading.Event()

    def keep_asking() -> list[tuple[int, bool]]:
        seen = []
        while not over.is_set():
            said = person.say("list")
            seen.append((said.status, bool(said.body and said.body["tool_calls"])))
            seen.append((person.api("GET", "/tasks").status, True))
            seen.append((200 if person.renew() else 0, True))
        return seen

    with ThreadPoolExecutor(2) as pool:
        asking = [pool.submit(keep_asking) for _ in range(2)]
        annotation = {"metadata": {"annotations": {"restarted-by-test": uuid.uuid4().hex}}}
        connect(workspace).api.merge("Deployment", f"ai-todo-{service}-deployment", {"spec": {"template": annotation}})
        for _ in ticks(SystemClock(), limit=90, pause=0.5):
            # Their objects may stay for another minute: the kubelet looks again that rarely.
            if pods_of(kubectl, service) and not before & running(kubectl, service):
                break
        over.set()
        outcomes = [outcome for future in asking for outcome in future.result()]
    measured[f"{service} requests in an update"] = len(outcomes)
    assert len(outcomes) > 20
    assert set(outcomes) == {(200, True)}
