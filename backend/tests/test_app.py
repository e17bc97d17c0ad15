"""The app as a whole: probes, the database's absence and return, CORS, faults."""

import asyncio
import socket

import psycopg
import pytest
from httpx import AsyncClient

from tests.conftest import NOBODY_LISTENS, client_of, running, until_ready
from todo_backend.app import create_app
from todo_backend.database import Database
from todo_backend.serving import Life
from todo_backend.settings import Settings


async def test_health_names_the_version() -> None:
    """/health says which version serves, so that a rollback can be seen."""
    async with running(NOBODY_LISTENS) as client:
        response = await client.get("/health")

    assert response.json() == {"status": "ok", "service": "ai-todo-backend", "version": "1.2.3"}


@pytest.mark.parametrize("path", ["/ready", "/api/tasks"])
async def test_without_a_database_the_cause_is_said(path: str) -> None:
    """503 with the cause, and never the password."""
    async with running(NOBODY_LISTENS) as client:
        response = await client.get(path)
        while "have not been made" in response.text:
            response = await client.get(path)

    assert response.status_code == 503
    assert "Connection refused" in response.json()["detail"]
    assert "s3cret" not in response.text


async def test_an_unwilling_database_is_waited_for_only_so_long() -> None:
    """A server that accepts connections and then says nothing makes /ready fail within its limit."""
    with socket.create_server(("127.0.0.1", 0)) as silent:
        url = f"postgresql://todo@127.0.0.1:{silent.getsockname()[1]}/todo?sslmode=disable"
        async with running(url, ready_seconds=0.2) as client:
            response = await asyncio.wait_for(client.get("/ready"), timeout=2)

    assert response.status_code == 503
    assert response.json()["detail"] == "The database cannot be used: no answer within 0.2 s"


async def test_a_stopping_service_is_not_ready_and_still_serves(database_url: str) -> None:
    """From SIGTERM on /ready fails, and requests are answered."""
    life = Life()
    async with running(database_url, life) as client:
        await until_ready(client)
        life.stopping = True

        assert (await client.get("/ready")).json()["detail"] == "The service is being stopped"
        assert (await client.get("/api/tasks")).status_code == 200


async def test_connections_cut_by_the_database_cost_no_request(client: AsyncClient, database_url: str) -> None:
    """After a restart of the database, here the end of its connections, the next request works."""
    await client.post("/api/tasks", json={"title": "Buy milk"})
    with psycopg.connect(database_url, autocommit=True) as connection:
        ended = connection.execute(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
            " WHERE application_name = current_setting('application_name') AND pid <> pg_backend_pid()"
        ).fetchall()
    assert ended

    response = await client.get("/api/tasks")

    assert [task["title"] for task in response.json()] == ["Buy milk"]


async def test_replicas_that_start_together_make_the_tables_once(database_url: str) -> None:
    """Eight at once all succeed at their first attempt."""
    replicas = [Database(database_url, query_seconds=5) for _ in range(8)]

    async def no_second_attempt(_: float) -> None:
        pytest.fail("a replica had to try again")

    await asyncio.gather(*(replica.prepare(no_second_attempt) for replica in replicas))

    assert all(replica.prepared for replica in replicas)
    await asyncio.gather(*(replica.close() for replica in replicas))


async def test_a_database_that_comes_up_later_is_used(database_url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Preparing goes on until the database answers."""
    database = Database(database_url, query_seconds=5)
    attempts = 0
    make = database._make_tables  # noqa: SLF001 - the database itself cannot be down here, so its first answers are

    async def down_twice() -> None:
        nonlocal attempts
        attempts += 1
        if attempts < 3:
            raise ConnectionRefusedError("nobody there")
        await make()

    async def at_once(_: float) -> None:
        with pytest.raises(Exception, match="nobody there"):
            await database.check(5)

    monkeypatch.setattr(database, "_make_tables", down_twice)
    await database.prepare(at_once)

    await database.check(5)
    assert attempts == 3
    await database.close()


@pytest.mark.parametrize(
    ("origin", "allowed"),
    [
        ("http://127.0.0.1:30080", True),
        ("http://localhost:30080", True),
        ("http://192.168.49.2:30080", True),
        ("https://127.0.0.1:30080", False),
        ("http://127.0.0.1:30081", False),
        ("http://evil.example/:30080", False),
        ("null", False),
    ],
)
async def test_pages_of_the_frontend_may_call_the_api(origin: str, allowed: bool) -> None:  # noqa: FBT001 - a table's column
    """By default those are the ones served on the frontend's NodePort, errors included."""
    async with running(NOBODY_LISTENS) as client:
        response = await client.get("/api/tasks", headers={"Origin": origin})

    assert response.headers.get("access-control-allow-origin") == (origin if allowed else None)


async def test_other_origins_can_be_named() -> None:
    """CORS_ORIGINS takes the place of the default, and a preflight for PATCH passes."""
    async with running(NOBODY_LISTENS, cors_origins=("https://todo.example", "http://localhost:5173")) as client:
        headers = {"Origin": "https://todo.example", "Access-Control-Request-Method": "PATCH"}
        named = await client.options("/api/tasks/1", headers=headers)
        default = await client.options("/api/tasks/1", headers={**headers, "Origin": "http://localhost:30080"})

    assert (named.status_code, default.status_code) == (200, 400)


async def test_a_fault_shows_no_stack_trace(monkeypatch: pytest.MonkeyPatch) -> None:
    """An error that nobody foresaw is a 500 problem, without what only the log may have."""
    app = create_app(Settings(database_url=NOBODY_LISTENS), Life())
    monkeypatch.setattr(app.state, "database", None)
    async with client_of(app) as client:
        response = await client.get("/api/tasks")

    assert response.status_code == 500
    assert "NoneType" not in response.text
    assert response.headers["content-type"] == "application/problem+json"
