"""What the tests share: a schema of their own in a real PostgreSQL, a sign-in service, and the app over both."""

import asyncio
import os
import socket
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import quote, urlencode
from uuid import uuid4

import psycopg
import pytest
import uvicorn
from fastapi import FastAPI
from httpx2 import ASGITransport, AsyncClient
from psycopg.sql import SQL, Identifier
from starlette.types import ASGIApp
from todo_mcp.app import create_app as create_mcp
from todo_mcp.serving import Life as McpLife
from todo_mcp.settings import Settings as McpSettings

from tests.signing import SignIn
from todo_backend.app import create_app
from todo_backend.serving import Life
from todo_backend.settings import Settings

NOBODY_LISTENS = "postgresql://todo:s3cret@127.0.0.1:1/todo"
"""A database that cannot be reached: nothing is served on port 1."""

NOWHERE = "http://127.0.0.1:1"
"""A service that cannot be reached."""

TASKS = "/api/ada/tasks"
"""The tasks of the user whom the tests sign in."""


@pytest.fixture(scope="session")
def server_url() -> str:
    """Return the URL of the database that the environment names; without one, tests that need it are skipped."""
    url = os.environ.get("DATABASE_URL")
    if url is None:
        if os.environ.get("CI"):
            pytest.fail("DATABASE_URL is not set; in CI no test is skipped")
        pytest.skip("needs a PostgreSQL server: set DATABASE_URL")
    return url


@pytest.fixture
def database_url(server_url: str) -> Iterator[str]:
    """Return a URL whose tables are in an empty schema, which is dropped at the end; other data is not touched."""
    schema = f"backend_test_{uuid4().hex}"
    parameters = urlencode({"options": f"-csearch_path={schema}", "application_name": schema}, quote_via=quote)
    with psycopg.connect(server_url, autocommit=True) as connection:
        connection.execute(SQL("CREATE SCHEMA {}").format(Identifier(schema)))
        yield f"{server_url}{'&' if '?' in server_url else '?'}{parameters}"
        connection.execute(SQL("DROP SCHEMA {} CASCADE").format(Identifier(schema)))


class LoopServer(uvicorn.Server):
    """uvicorn in the test's own event loop, with no say in the process's signals."""

    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Leave the signals alone."""
        yield


@asynccontextmanager
async def served(app: ASGIApp, sock: socket.socket | None = None) -> AsyncIterator[str]:
    """Serve an app on this machine, and give its address."""
    with sock or socket.create_server(("127.0.0.1", 0)) as listening:
        server = LoopServer(uvicorn.Config(app, log_config=None, access_log=False, timeout_graceful_shutdown=1))
        serving = asyncio.create_task(server.serve([listening]))
        while not server.started:
            await asyncio.sleep(0)
            assert not serving.done(), "the server ended at once"
        yield f"http://127.0.0.1:{listening.getsockname()[1]}"
        server.should_exit = True
        await serving


@pytest.fixture
async def sign_in() -> AsyncIterator[SignIn]:
    """Give a sign-in service that publishes its keys on this machine."""
    service = SignIn()
    async with served(service.app()) as url:
        service.url = url
        yield service


@asynccontextmanager
async def mcp_over(database_url: str, sock: socket.socket | None = None) -> AsyncIterator[str]:
    """Serve the MCP server, the real one, over a database, and give its address."""
    async with served(create_mcp(McpSettings(database_url=database_url), McpLife()), sock) as url:
        yield url


@dataclass(frozen=True)
class World:
    """What an app is run with.

    Attributes:
        database_url: Its database.
        sign_in: Who issues tokens.
        life: Whether it is being stopped.
    """

    database_url: str
    sign_in: SignIn
    life: Life = field(default_factory=Life)

    def app(self, **settings: Any) -> FastAPI:  # noqa: ANN401 - any setting
        """Return the app."""
        known: dict[str, Any] = {"database_url": self.database_url, "version": "1.2.3", "mcp_url": NOWHERE}
        keys = {"jwks_url": self.sign_in.jwks_url, "issuer": self.sign_in.issuer}
        return create_app(Settings(**(known | keys | settings)), self.life)

    @asynccontextmanager
    async def running(self, **settings: Any) -> AsyncIterator[AsyncClient]:  # noqa: ANN401 - any setting
        """Run the app as a server would, without one, and give a client for it in which Ada is signed in."""
        app = self.app(**settings)
        async with app.router.lifespan_context(app), client_of(app) as client:
            client.headers["Authorization"] = f"Bearer {self.sign_in.token('ada')}"
            yield client


@pytest.fixture
def nowhere(sign_in: SignIn) -> World:
    """Give a world whose database cannot be reached."""
    return World(NOBODY_LISTENS, sign_in)


@pytest.fixture
def world(database_url: str, sign_in: SignIn) -> World:
    """Give a world with a database of its own."""
    return World(database_url, sign_in)


def client_of(app: FastAPI) -> AsyncClient:
    """Return a client that asks an app in this process; the app's faults become responses, as in a server."""
    return AsyncClient(transport=ASGITransport(app, raise_app_exceptions=False), base_url="http://backend")


async def until_ready(client: AsyncClient) -> None:
    """Wait until an app's tables are made."""
    async with asyncio.timeout(5):
        while (await client.get("/ready")).status_code != 200:  # noqa: ASYNC110 - asked as the kubelet does
            await asyncio.sleep(0)  # an answer in this process may come without a turn of the loop


@pytest.fixture
async def client(world: World) -> AsyncIterator[AsyncClient]:
    """Give a client for an app whose database is ready."""
    async with world.running() as client:
        await until_ready(client)
        yield client


@pytest.fixture
async def chatting(world: World) -> AsyncIterator[AsyncClient]:
    """Give a client for an app whose database and MCP server are ready."""
    async with mcp_over(world.database_url) as url, world.running(mcp_url=url) as client:
        await until_ready(client)
        yield client


def bearer(token: str) -> dict[str, str]:
    """Return the header that a token is sent in."""
    return {"Authorization": f"Bearer {token}"}
