"""The database gone and back: through a relay, since the database itself is everybody's."""

import asyncio
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest
from httpx2 import AsyncClient
from sqlalchemy import Connection, make_url

from tests.conftest import TASKS, World, mcp_over, until_ready
from tests.signing import SignIn
from todo_backend import database
from todo_backend.migrations import migrate

CHAT = "/api/ada/chat"


class Relay:
    """A way to a database that can be cut and opened again, on the same port, or fall silent.

    Attributes:
        port: Where it is, on this machine.
    """

    def __init__(self, host: str, port: int) -> None:
        self._host, self._target = host, port
        with socket.create_server(("127.0.0.1", 0)) as free:
            self.port: int = free.getsockname()[1]
        self._open: set[asyncio.StreamWriter] = set()
        self._silent: set[asyncio.StreamWriter] = set()

    @asynccontextmanager
    async def opened(self) -> AsyncIterator[None]:
        """Let connections through; at the end all of them are cut, and new ones refused."""
        server = await asyncio.start_server(self._serve, "127.0.0.1", self.port)
        yield
        server.close()
        for writer in self._open:
            writer.transport.abort()
        await server.wait_closed()

    def mute(self) -> None:
        """Let nothing through on the connections there are, and do not end them, as a lost way does; new ones work."""
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


def relayed(database_url: str) -> tuple[Relay, str]:
    """Return a way to a database, and the URL that leads over it."""
    url = make_url(database_url)
    relay = Relay(url.host or "127.0.0.1", url.port or 5432)
    over = url.set(host="127.0.0.1", port=relay.port).render_as_string(hide_password=False)
    return relay, over


async def states(client: AsyncClient) -> list[int]:
    """Return the status of each kind of request."""
    return [
        (await client.get("/health")).status_code,
        (await client.get("/ready")).status_code,
        (await client.get(TASKS)).status_code,
        (await client.post(TASKS, json={"title": "lost"})).status_code,
        (await client.post(CHAT, json={"message": "add lost"})).status_code,
    ]


async def test_an_outage_costs_nothing_that_was_told_to_be_kept(database_url: str, sign_in: SignIn) -> None:
    """While it is gone, 503 with the cause and life goes on; when it is back, all that was kept is there."""
    relay, over = relayed(database_url)
    async with World(over, sign_in).running() as client:
        async with relay.opened():
            await until_ready(client)
            await client.post(TASKS, json={"title": "kept"})
        gone = await states(client)
        cause = (await client.get(TASKS)).json()
        async with relay.opened():
            back = [task["title"] for task in (await client.get(TASKS)).json()]
            ready = (await client.get("/ready")).status_code

    assert gone == [200, 503, 503, 503, 503]
    assert cause["title"] == "Service Unavailable"
    assert "Traceback" not in str(cause)
    assert (back, ready) == (["kept"], 200)


async def test_an_outage_behind_the_tools_is_told_in_the_chat(database_url: str, sign_in: SignIn) -> None:
    """When only the MCP server has lost its database, the user is told so, and the next message works."""
    relay, over = relayed(database_url)
    async with World(database_url, sign_in).running() as ready:
        await until_ready(ready)  # the tables
    async with mcp_over(over) as url, World(database_url, sign_in).running(mcp_url=url) as client:
        async with relay.opened():
            first = (await client.post(CHAT, json={"message": "add kept"})).json()
        gone = (await client.post(CHAT, json={"message": "list"})).json()
        async with relay.opened():
            back = (await client.post(CHAT, json={"message": "list"})).json()

    assert first["reply"].startswith("Added")
    assert gone["reply"].startswith("The database cannot be used")
    assert [call["failed"] for call in gone["tool_calls"]] == [True]
    assert back["reply"].endswith("☐ kept")


async def test_a_connection_that_falls_silent_at_the_start_is_given_up(
    database_url: str, sign_in: SignIn, monkeypatch: pytest.MonkeyPatch
) -> None:
    """While the tables are made nothing comes any more, not even an end: the next attempt makes them."""
    relay, over = relayed(database_url)
    attempts: list[Connection] = []

    def silenced(connection: Connection) -> bool:
        if not attempts:
            relay.mute()
        attempts.append(connection)
        return migrate(connection)

    monkeypatch.setattr(database, "migrate", silenced)
    monkeypatch.setattr(database, "MIGRATE_SECONDS", 0.5)
    monkeypatch.setattr(database, "ABANDONED_SECONDS", 0.2)
    monkeypatch.setattr(database, "RETRY_SECONDS", 0.01)
    async with relay.opened(), World(over, sign_in).running() as client:
        await until_ready(client)

    assert len(attempts) == 2


async def test_connections_that_fell_silent_cost_a_second_once(database_url: str, sign_in: SignIn) -> None:
    """However many were lost without a word: the first request after it finds out for all, and is answered too."""
    relay, over = relayed(database_url)
    async with relay.opened(), World(over, sign_in).running() as client:
        await until_ready(client)
        await asyncio.gather(*(client.get(TASKS) for _ in range(5)))
        relay.mute()
        async with asyncio.timeout(4):
            ready = await client.get("/ready")
            answers = [await client.get(TASKS) for _ in range(5)]

    assert [answer.status_code for answer in (ready, *answers)] == [200] * 6


async def test_a_tools_connections_that_fell_silent_cost_no_call(database_url: str, sign_in: SignIn) -> None:
    """The MCP server finds out within the time of one call."""
    relay, over = relayed(database_url)
    async with World(database_url, sign_in).running() as ready:
        await until_ready(ready)  # the tables
    async with relay.opened(), mcp_over(over) as url, World(database_url, sign_in).running(mcp_url=url) as client:
        await asyncio.gather(*(client.post(CHAT, json={"message": "list"}) for _ in range(5)))
        relay.mute()
        replies = [(await client.post(CHAT, json={"message": "list"})).json()["reply"] for _ in range(3)]

    assert replies == ["There are no such tasks."] * 3
