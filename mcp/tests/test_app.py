"""The app as a whole: probes, and who may ask."""

import asyncio
import socket

import pytest

from tests.conftest import NOBODY_LISTENS, running
from todo_mcp.serving import Life

PING = {"jsonrpc": "2.0", "id": 1, "method": "tools/list"}
HEADERS = {"Accept": "application/json, text/event-stream"}


async def test_health_names_the_version() -> None:
    """/health says which version serves, and asks no database."""
    async with running(NOBODY_LISTENS) as client:
        response = await client.get("/health")

    assert response.json() == {"status": "ok", "service": "ai-todo-mcp", "version": "1.2.3"}


async def test_ready_asks_the_database_and_needs_no_table(database_url: str) -> None:
    """This server is deployed before the backend, which makes the table."""
    async with running(database_url) as client:
        response = await client.get("/ready")

    assert response.json()["status"] == "ready"


async def test_without_a_database_the_cause_is_said() -> None:
    """503 with the cause, and never the password."""
    async with running(NOBODY_LISTENS) as client:
        response = await client.get("/ready")

    assert response.status_code == 503
    assert "Connection refused" in response.json()["detail"]
    assert "s3cret" not in response.text


async def test_an_unwilling_database_is_waited_for_only_so_long() -> None:
    """A server that accepts connections and then says nothing makes /ready fail within its limit."""
    with socket.create_server(("127.0.0.1", 0)) as silent:
        url = f"postgresql://todo@127.0.0.1:{silent.getsockname()[1]}/todo?sslmode=disable"
        async with running(url, READY_SECONDS="0.2") as client:
            response = await asyncio.wait_for(client.get("/ready"), timeout=2)

    assert response.status_code == 503
    assert response.json()["detail"] == "The database cannot be used: no answer within 0.2 s"


async def test_a_stopping_service_is_not_ready(database_url: str) -> None:
    """From SIGTERM on /ready fails whatever the database says."""
    async with running(database_url, Life(stopping=True)) as client:
        assert (await client.get("/ready")).json()["detail"] == "The service is being stopped"


@pytest.mark.parametrize(
    ("host", "status"),
    [
        ("ai-todo-mcp-service", 200),
        ("ai-todo-mcp-service:8001", 200),
        ("ai-todo-mcp-service.shop:8001", 200),
        ("ai-todo-mcp-service.shop.svc:8001", 200),
        ("ai-todo-mcp-service.shop.svc.cluster.local:8001", 200),
        ("localhost:8001", 200),
        ("tools.example", 200),
        ("ai-todo-mcp-service.default:8001", 421),
        ("evil.example:8001", 421),
    ],
)
async def test_tools_are_asked_by_known_names_only(host: str, status: int) -> None:
    """The Service's DNS names in its own namespace, this machine, and the hosts named in the environment."""
    async with running(NOBODY_LISTENS, POD_NAMESPACE="shop", ALLOWED_HOSTS="tools.example, ") as client:
        response = await client.post("/mcp", json=PING, headers={**HEADERS, "Host": host})

    assert response.status_code == status, response.text


async def test_a_web_page_is_refused() -> None:
    """A browser says which page a call comes from; no page may call the tools."""
    async with running(NOBODY_LISTENS) as client:
        response = await client.post("/mcp", json=PING, headers={**HEADERS, "Origin": "http://localhost:30080"})

    assert response.status_code == 403


async def test_probes_are_answered_by_any_name() -> None:
    """The kubelet asks by the pod's address."""
    async with running(NOBODY_LISTENS) as client:
        assert (await client.get("/health", headers={"Host": "10.244.0.7:8001"})).status_code == 200
