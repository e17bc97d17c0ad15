"""The app as a whole: probes, the database's absence and return, CORS, faults."""

import asyncio
import re
import socket

import psycopg
import pytest
from httpx2 import AsyncClient

from tests.conftest import TASKS, World, client_of, until_ready
from tests.signing import SignIn
from todo_backend.database import Database


async def test_health_names_the_version(nowhere: World) -> None:
    """/health says which version serves, so that a rollback can be seen."""
    async with nowhere.running() as client:
        response = await client.get("/health")

    assert response.json() == {"status": "ok", "service": "ai-todo-backend", "version": "1.2.3"}


@pytest.mark.parametrize("path", ["/ready", TASKS])
async def test_without_a_database_the_cause_is_said(nowhere: World, path: str) -> None:
    """503 with the cause, and never the password."""
    async with nowhere.running() as client:
        response = await client.get(path)

    assert response.status_code == 503
    assert "Connection refused" in response.json()["detail"]
    assert "s3cret" not in response.text


async def test_an_unwilling_database_is_waited_for_only_so_long(sign_in: SignIn) -> None:
    """A server that accepts connections and then says nothing makes /ready fail within its limit."""
    with socket.create_server(("127.0.0.1", 0)) as silent:
        url = f"postgresql://todo@127.0.0.1:{silent.getsockname()[1]}/todo?sslmode=disable"
        async with World(url, sign_in).running(ready_seconds=0.2) as client:
            response = await asyncio.wait_for(client.get("/ready"), timeout=2)

    assert response.status_code == 503
    assert response.json()["detail"] == "The database cannot be used: no answer within 0.2 s"


async def test_a_stopping_service_is_not_ready_and_still_serves(world: World) -> None:
    """From SIGTERM on /ready fails, and requests are answered."""
    async with world.running() as client:
        await until_ready(client)
        world.life.stopping = True

        assert (await client.get("/ready")).json()["detail"] == "The service is being stopped"
        assert (await client.get(TASKS)).status_code == 200


async def test_connections_cut_by_the_database_cost_no_request(client: AsyncClient, database_url: str) -> None:
    """After a restart of the database, here the end of its connections, the next request works."""
    await client.post(TASKS, json={"title": "Buy milk"})
    with psycopg.connect(database_url, autocommit=True) as connection:
        ended = connection.execute(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
            " WHERE application_name = current_setting('application_name') AND pid <> pg_backend_pid()"
        ).fetchall()
    assert ended

    response = await client.get(TASKS)

    assert [task["title"] for task in response.json()] == ["Buy milk"]


async def test_replicas_that_start_together_make_the_tables_once(database_url: str) -> None:
    """Eight at once all succeed at their first attempt."""
    replicas = [Database(database_url, query_seconds=5) for _ in range(8)]

    async def no_second_attempt(_: float) -> None:
        pytest.fail("a replica had to try again")

    await asyncio.gather(*(replica.prepare(no_second_attempt) for replica in replicas))

    assert all(replica.prepared for replica in replicas)
    await asyncio.gather(*(replica.close() for replica in replicas))


async def test_who_asks_at_the_start_waits_for_the_tables(world: World) -> None:
    """The first question of the kubelet is answered when the tables are there: the next one comes seconds later."""
    async with world.running() as client:
        assert (await client.get("/ready")).status_code == 200


async def test_a_database_that_comes_up_later_is_used(database_url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Preparing goes on until the database answers."""
    database = Database(database_url, query_seconds=5)
    attempts = 0
    migrate = database._migrate  # noqa: SLF001 - the database itself cannot be down here, so its first answers are

    async def down_twice() -> bool:
        nonlocal attempts
        attempts += 1
        if attempts < 3:
            raise ConnectionRefusedError("nobody there")
        return await migrate()

    async def at_once(_: float) -> None:
        with pytest.raises(Exception, match="nobody there"):
            await database.check(5)

    monkeypatch.setattr(database, "_migrate", down_twice)
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
async def test_pages_of_the_frontend_may_call_the_api(nowhere: World, origin: str, allowed: bool) -> None:  # noqa: FBT001 - a table's column
    """By default those are the ones served on the frontend's NodePort, errors included."""
    async with nowhere.running() as client:
        response = await client.get(TASKS, headers={"Origin": origin})

    assert response.headers.get("access-control-allow-origin") == (origin if allowed else None)


async def test_other_origins_can_be_named(nowhere: World) -> None:
    """CORS_ORIGINS takes the place of the default, and a preflight for PATCH passes."""
    async with nowhere.running(cors_origins=("https://todo.example", "http://localhost:5173")) as client:
        headers = {"Origin": "https://todo.example", "Access-Control-Request-Method": "PATCH"}
        named = await client.options(f"{TASKS}/1", headers=headers)
        default = await client.options(f"{TASKS}/1", headers={**headers, "Origin": "http://localhost:30080"})

    assert (named.status_code, default.status_code) == (200, 400)


async def test_a_fault_shows_no_stack_trace(
    nowhere: World, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """An error that nobody foresaw is a 500 problem that a page may read; only the log has what happened."""
    app = nowhere.app()
    monkeypatch.setattr(app.state, "database", None)
    async with app.router.lifespan_context(app), client_of(app) as client:
        headers = {"Authorization": f"Bearer {nowhere.sign_in.token('ada')}", "Origin": "http://127.0.0.1:30080"}
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
async def test_each_response_has_the_id_of_its_request(nowhere: World, given: str, kept: bool) -> None:  # noqa: FBT001 - a table's column
    """The caller's where it can be used, a new one where not; the keys are asked for under the same id."""
    async with nowhere.running() as client:
        response = await client.get(TASKS, headers=[(b"X-Request-ID", given.encode()), *client.headers.raw])

    used = response.headers["X-Request-ID"]
    assert (used == given) is kept
    assert re.fullmatch(r"[A-Za-z0-9._-]{1,64}", used)
    assert nowhere.sign_in.request_ids == [used]
