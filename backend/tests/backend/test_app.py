"""The app as a whole: probes, an unavailable database, CORS, unexpected errors, request ids."""

import asyncio
import re
import socket

import psycopg
import pytest
from httpx2 import AsyncClient

from tests.backend.conftest import TASKS, Environment, client_of, until_ready
from tests.backend.signing import SignIn
from todo_backend.database import Database


async def test_health_reports_the_version(no_database: Environment) -> None:
    """/health reports the version, so that a rollback can be seen from outside."""
    async with no_database.running() as client:
        response = await client.get("/health")

    assert response.json() == {"status": "ok", "service": "ai-todo-backend", "version": "1.2.3"}


@pytest.mark.parametrize("path", ["/ready", TASKS])
async def test_without_a_database_the_reason_is_returned(no_database: Environment, path: str) -> None:
    """503 with the reason, and never with the password."""
    async with no_database.running() as client:
        response = await client.get(path)

    assert response.status_code == 503
    assert "Connection refused" in response.json()["detail"]
    assert "s3cret" not in response.text


async def test_a_silent_database_is_waited_for_only_so_long(sign_in: SignIn) -> None:
    """/ready fails within its time limit if the server accepts connections and then sends nothing."""
    with socket.create_server(("127.0.0.1", 0)) as silent:
        url = f"postgresql://todo@127.0.0.1:{silent.getsockname()[1]}/todo?sslmode=disable"
        async with Environment(url, sign_in).running(ready_seconds=0.2) as client:
            response = await asyncio.wait_for(client.get("/ready"), timeout=2)

    assert response.status_code == 503
    assert response.json()["detail"] == "The database cannot be used: no answer within 0.2 s"


async def test_a_stopping_service_is_not_ready_but_serves(environment: Environment) -> None:
    """After SIGTERM /ready fails, and requests are still answered."""
    async with environment.running() as client:
        await until_ready(client)
        environment.shutdown.requested = True

        assert (await client.get("/ready")).json()["detail"] == "The service is being stopped"
        assert (await client.get(TASKS)).status_code == 200


async def test_connections_closed_by_the_database_fail_no_request(client: AsyncClient, database_url: str) -> None:
    """After a restart of the database, simulated by closing its connections, the next request succeeds."""
    await client.post(TASKS, json={"title": "Buy milk"})
    with psycopg.connect(database_url, autocommit=True) as connection:
        ended = connection.execute(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
            " WHERE application_name = current_setting('application_name') AND pid <> pg_backend_pid()"
        ).fetchall()
    assert ended

    response = await client.get(TASKS)

    assert [task["title"] for task in response.json()] == ["Buy milk"]


async def test_replicas_that_start_together_migrate_once(database_url: str) -> None:
    """Eight concurrent replicas all succeed at the first attempt."""
    replicas = [Database(database_url, query_seconds=5) for _ in range(8)]

    async def fail_on_pause(_: float) -> None:
        pytest.fail("a replica needed a second attempt")

    await asyncio.gather(*(replica.prepare(fail_on_pause) for replica in replicas))

    assert all(replica.migrated for replica in replicas)
    await asyncio.gather(*(replica.close() for replica in replicas))


async def test_the_first_probe_waits_for_the_migration(environment: Environment) -> None:
    """The first readiness probe succeeds, since the next one comes only seconds later."""
    async with environment.running() as client:
        assert (await client.get("/ready")).status_code == 200


async def test_a_database_that_starts_later_is_used(database_url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """The migration is tried again until the database answers."""
    database = Database(database_url, query_seconds=5)
    attempts = 0
    migrate = database._migrate  # noqa: SLF001 - simulates a database that is down at first

    async def down_twice() -> bool:
        nonlocal attempts
        attempts += 1
        if attempts < 3:
            raise ConnectionRefusedError("connection refused")
        return await migrate()

    async def no_pause(_: float) -> None:
        with pytest.raises(Exception, match="connection refused"):
            await database.check(5)

    monkeypatch.setattr(database, "_migrate", down_twice)
    await database.prepare(no_pause)

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
async def test_pages_of_the_frontend_may_call_the_api(no_database: Environment, origin: str, allowed: bool) -> None:  # noqa: FBT001 - a column of the table
    """By default, pages on the frontend's NodePort may call it, and read errors too."""
    async with no_database.running() as client:
        response = await client.get(TASKS, headers={"Origin": origin})

    assert response.headers.get("access-control-allow-origin") == (origin if allowed else None)


async def test_other_origins_can_be_configured(no_database: Environment) -> None:
    """CORS_ORIGINS replaces the default, and a preflight request for PATCH succeeds."""
    async with no_database.running(cors_origins=("https://todo.example", "http://localhost:5173")) as client:
        headers = {"Origin": "https://todo.example", "Access-Control-Request-Method": "PATCH"}
        named = await client.options(f"{TASKS}/1", headers=headers)
        default = await client.options(f"{TASKS}/1", headers={**headers, "Origin": "http://localhost:30080"})

    assert (named.status_code, default.status_code) == (200, 400)


async def test_an_unexpected_error_shows_no_stack_trace(
    no_database: Environment, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """It is a 500 problem that a page may read; only the log has the details."""
    app = no_database.app()
    monkeypatch.setattr(app.state, "database", None)
    async with app.router.lifespan_context(app), client_of(app) as client:
        headers = {"Authorization": f"Bearer {no_database.sign_in.token('ada')}", "Origin": "http://127.0.0.1:30080"}
        response = await client.get(TASKS, headers=headers)

    assert response.status_code == 500
    assert "NoneType" not in response.text
    assert response.headers["content-type"] == "application/problem+json"
    assert response.headers["access-control-allow-origin"] == "http://127.0.0.1:30080"
    assert "NoneType" in caplog.text


@pytest.mark.parametrize(
    ("given", "kept"),
    [("abc-1.2_3", True), ("", False), ("a b", False), ("x" * 65, False), ("Ünicode", False)],
)
async def test_each_response_has_the_request_id(no_database: Environment, given: str, kept: bool) -> None:  # noqa: FBT001 - a column of the table
    """A valid id of the caller is kept, others are replaced; the keys are fetched under the same id."""
    async with no_database.running() as client:
        response = await client.get(TASKS, headers=[(b"X-Request-ID", given.encode()), *client.headers.raw])

    used = response.headers["X-Request-ID"]
    assert (used == given) is kept
    assert re.fullmatch(r"[A-Za-z0-9._-]{1,64}", used)
    assert no_database.sign_in.request_ids == [used]
