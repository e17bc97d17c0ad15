"""The app as a whole: probes, accepted hosts and origins."""

import asyncio
import socket

import pytest

from tests.conftest import UNREACHABLE_DATABASE
from tests.mcp.conftest import running
from todo_service.health import Shutdown

PING = {"jsonrpc": "2.0", "id": 1, "method": "tools/list"}
HEADERS = {"Accept": "application/json, text/event-stream"}


async def test_health_reports_the_version() -> None:
    """/health reports the version, and does not need the database."""
    async with running(UNREACHABLE_DATABASE) as client:
        response = await client.get("/health")

    assert response.json() == {"status": "ok", "service": "ai-todo-mcp", "version": "1.2.3"}


async def test_ready_needs_the_database_but_no_table(database_url: str) -> None:
    """This server is deployed before the backend, which creates the table."""
    async with running(database_url) as client:
        response = await client.get("/ready")

    assert response.json()["status"] == "ready"


async def test_without_a_database_the_reason_is_returned() -> None:
    """503 with the reason, and never with the password."""
    async with running(UNREACHABLE_DATABASE) as client:
        response = await client.get("/ready")

    assert response.status_code == 503
    assert "Connection refused" in response.json()["detail"]
    assert "s3cret" not in response.text


async def test_a_silent_database_is_waited_for_only_so_long() -> None:
    """/ready fails within its time limit if the server accepts connections and then sends nothing."""
    with socket.create_server(("127.0.0.1", 0)) as silent:
        url = f"postgresql://todo@127.0.0.1:{silent.getsockname()[1]}/todo?sslmode=disable"
        async with running(url, READY_SECONDS="0.2") as client:
            response = await asyncio.wait_for(client.get("/ready"), timeout=2)

    assert response.status_code == 503
    assert response.json()["detail"] == "The database cannot be used: no answer within 0.2 s"


async def test_a_stopping_service_is_not_ready(database_url: str) -> None:
    """After SIGTERM /ready fails even if the database answers."""
    async with running(database_url, Shutdown(requested=True)) as client:
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
async def test_only_known_hosts_are_accepted(host: str, status: int) -> None:
    """These are the DNS names of the Service in its namespace, this machine, and ALLOWED_HOSTS."""
    async with running(UNREACHABLE_DATABASE, POD_NAMESPACE="shop", ALLOWED_HOSTS="tools.example, ") as client:
        response = await client.post("/mcp", json=PING, headers={**HEADERS, "Host": host})

    assert response.status_code == status, response.text


async def test_web_pages_are_rejected() -> None:
    """Browsers send the origin of a page; no page may call the tools."""
    async with running(UNREACHABLE_DATABASE) as client:
        response = await client.post("/mcp", json=PING, headers={**HEADERS, "Origin": "http://localhost:30080"})

    assert response.status_code == 403


async def test_probes_are_accepted_for_any_host() -> None:
    """The kubelet sends the address of the pod in the Host header."""
    async with running(UNREACHABLE_DATABASE) as client:
        assert (await client.get("/health", headers={"Host": "10.244.0.7:8001"})).status_code == 200
