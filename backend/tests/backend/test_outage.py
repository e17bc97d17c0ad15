"""Outages of the database, simulated by a proxy, since other tests use the database too."""

import asyncio
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import alembic.command  # noqa: F401 - its slow import would exceed the short time limits below
import pytest
from httpx2 import AsyncClient
from sqlalchemy import Connection, make_url

from tests.backend.conftest import TASKS, Environment, mcp_server, until_ready
from tests.backend.signing import SignIn
from todo_backend import database
from todo_backend.migrations import migrate

CHAT = "/api/ada/chat"


class Proxy:
    """A TCP proxy of a database that can close all connections, accept new ones again, or fall silent.

    Attributes:
        port: Its port on this machine.
    """

    def __init__(self, host: str, port: int) -> None:
        self._host, self._target = host, port
        with socket.create_server(("127.0.0.1", 0)) as free:
            self.port: int = free.getsockname()[1]
        self._open: set[asyncio.StreamWriter] = set()
        self._silent: set[asyncio.StreamWriter] = set()

    @asynccontextmanager
    async def opened(self) -> AsyncIterator[None]:
        """Accept connections; at the end close all of them, and refuse new ones."""
        server = await asyncio.start_server(self._serve, "127.0.0.1", self.port)
        yield
        server.close()
        for writer in self._open:
            writer.transport.abort()
        await server.wait_closed()

    def mute(self) -> None:
        """Drop all data on existing connections without closing them, as a lost route does. New connections work."""
        self._silent |= self._open

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        far_reader, far_writer = await asyncio.open_connection(self._host, self._target)
        self._open |= {writer, far_writer}
        await asyncio.gather(self._pass(reader, far_writer), self._pass(far_reader, writer), return_exceptions=True)
        self._open -= {writer, far_writer}
        for side in (writer, far_writer):
            side.transport.abort()

    async def _pass(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while content := await reader.read(65536):
            if writer not in self._silent:
                writer.write(content)
                await writer.drain()


def proxied(database_url: str) -> tuple[Proxy, str]:
    """Return a proxy of a database, and its URL."""
    url = make_url(database_url)
    proxy = Proxy(url.host or "127.0.0.1", url.port or 5432)
    proxy_url = url.set(host="127.0.0.1", port=proxy.port).render_as_string(hide_password=False)
    return proxy, proxy_url


async def states(client: AsyncClient) -> list[int]:
    """Return the status codes of all kinds of requests."""
    return [
        (await client.get("/health")).status_code,
        (await client.get("/ready")).status_code,
        (await client.get(TASKS)).status_code,
        (await client.post(TASKS, json={"title": "lost"})).status_code,
        (await client.post(CHAT, json={"message": "add lost"})).status_code,
    ]


async def test_an_outage_loses_no_stored_task(database_url: str, sign_in: SignIn) -> None:
    """During an outage requests fail with 503 and the service stays alive; afterwards everything stored is there."""
    proxy, proxy_url = proxied(database_url)
    async with Environment(proxy_url, sign_in).running() as client:
        async with proxy.opened():
            await until_ready(client)
            await client.post(TASKS, json={"title": "kept"})
        during = await states(client)
        problem = (await client.get(TASKS)).json()
        async with proxy.opened():
            after = [task["title"] for task in (await client.get(TASKS)).json()]
            ready = (await client.get("/ready")).status_code

    assert during == [200, 503, 503, 503, 503]
    assert problem["title"] == "Service Unavailable"
    assert "Traceback" not in str(problem)
    assert (after, ready) == (["kept"], 200)


async def test_an_outage_of_the_tools_database_is_the_reply(database_url: str, sign_in: SignIn) -> None:
    """If only the MCP server has lost its database, the reply says so, and the next message works."""
    proxy, proxy_url = proxied(database_url)
    async with Environment(database_url, sign_in).running() as ready:
        await until_ready(ready)  # migrates the database
    async with mcp_server(proxy_url) as url, Environment(database_url, sign_in).running(mcp_url=url) as client:
        async with proxy.opened():
            first = (await client.post(CHAT, json={"message": "add kept"})).json()
        during = (await client.post(CHAT, json={"message": "list"})).json()
        async with proxy.opened():
            after = (await client.post(CHAT, json={"message": "list"})).json()

    assert first["reply"].startswith("Added")
    assert during["reply"].startswith("The database cannot be used")
    assert [call["failed"] for call in during["tool_calls"]] == [True]
    assert after["reply"].endswith("☐ kept")


async def test_a_migration_on_a_silent_connection_is_abandoned(
    database_url: str, sign_in: SignIn, monkeypatch: pytest.MonkeyPatch
) -> None:
    """If nothing arrives during the migration, not even the end of the connection, the next attempt succeeds."""
    proxy, proxy_url = proxied(database_url)
    attempts: list[Connection] = []

    def migrate_after_muting(connection: Connection) -> bool:
        if not attempts:
            proxy.mute()
        attempts.append(connection)
        return migrate(connection)

    monkeypatch.setattr(database, "migrate", migrate_after_muting)
    monkeypatch.setattr(database, "MIGRATE_SECONDS", 1.5)
    monkeypatch.setattr(database, "ABANDONED_SECONDS", 1)
    monkeypatch.setattr(database, "RETRY_SECONDS", 0.01)
    async with proxy.opened(), Environment(proxy_url, sign_in).running() as client:
        await until_ready(client)

    assert len(attempts) == 2


async def test_silent_connections_delay_one_request_by_a_second(database_url: str, sign_in: SignIn) -> None:
    """The first request detects it for all connections of the pool, and succeeds too."""
    proxy, proxy_url = proxied(database_url)
    async with proxy.opened(), Environment(proxy_url, sign_in).running() as client:
        await until_ready(client)
        await asyncio.gather(*(client.get(TASKS) for _ in range(5)))
        proxy.mute()
        async with asyncio.timeout(4):
            ready = await client.get("/ready")
            answers = [await client.get(TASKS) for _ in range(5)]

    assert [answer.status_code for answer in (ready, *answers)] == [200] * 6


async def test_silent_connections_of_the_tools_fail_no_call(database_url: str, sign_in: SignIn) -> None:
    """The MCP server detects it within the time limit of a call."""
    proxy, proxy_url = proxied(database_url)
    async with Environment(database_url, sign_in).running() as ready:
        await until_ready(ready)  # migrates the database
    async with (
        proxy.opened(),
        mcp_server(proxy_url) as url,
        Environment(database_url, sign_in).running(mcp_url=url) as client,
    ):
        await asyncio.gather(*(client.post(CHAT, json={"message": "list"}) for _ in range(5)))
        proxy.mute()
        replies = [(await client.post(CHAT, json={"message": "list"})).json()["reply"] for _ in range(3)]

    assert replies == ["There are no such tasks."] * 3
