"""Fixtures of the backend's tests: a sign-in service, the real MCP server, and the app."""

import asyncio
import socket
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass, field
from typing import Any

import pytest
import uvicorn
from fastapi import FastAPI
from httpx2 import ASGITransport, AsyncClient
from starlette.types import ASGIApp

from tests.backend.signing import SignIn
from tests.conftest import UNREACHABLE_DATABASE
from todo_backend.app import create_app
from todo_backend.settings import Settings
from todo_mcp.app import create_app as create_mcp_app
from todo_mcp.settings import Settings as McpSettings
from todo_service.health import Shutdown

UNREACHABLE = "http://127.0.0.1:1"
"""A service that refuses connections."""

TASKS = "/api/ada/tasks"
"""The tasks of the user whom the clients below are signed in as."""


class LoopServer(uvicorn.Server):
    """uvicorn in the event loop of a test, without signal handlers."""

    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Capture no signals."""
        yield


@asynccontextmanager
async def served(app: ASGIApp, sock: socket.socket | None = None) -> AsyncIterator[str]:
    """Serve an app on this machine, and yield its URL."""
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
    """Serve a sign-in service that publishes its keys."""
    service = SignIn()
    async with served(service.app()) as url:
        service.url = url
        yield service


@asynccontextmanager
async def mcp_server(database_url: str, sock: socket.socket | None = None) -> AsyncIterator[str]:
    """Serve the real MCP server with a database, and yield its URL."""
    async with served(create_mcp_app(McpSettings(database_url=database_url), Shutdown()), sock) as url:
        yield url


@dataclass(frozen=True)
class Environment:
    """The environment of an app.

    Attributes:
        database_url: The database.
        sign_in: The issuer of tokens.
        shutdown: Whether the app is being stopped.
    """

    database_url: str
    sign_in: SignIn
    shutdown: Shutdown = field(default_factory=Shutdown)

    def app(self, **settings: Any) -> FastAPI:  # noqa: ANN401 - any setting
        """Return the app."""
        defaults: dict[str, Any] = {"database_url": self.database_url, "version": "1.2.3", "mcp_url": UNREACHABLE}
        issuer = {"jwks_url": self.sign_in.jwks_url, "issuer": self.sign_in.issuer}
        return create_app(Settings(**(defaults | issuer | settings)), self.shutdown)

    @asynccontextmanager
    async def running(self, **settings: Any) -> AsyncIterator[AsyncClient]:  # noqa: ANN401 - any setting
        """Run the app in this process, and yield a client that is signed in as Ada."""
        app = self.app(**settings)
        async with app.router.lifespan_context(app), client_of(app) as client:
            client.headers["Authorization"] = f"Bearer {self.sign_in.token('ada')}"
            yield client


@pytest.fixture
def no_database(sign_in: SignIn) -> Environment:
    """Return an environment whose database is unreachable."""
    return Environment(UNREACHABLE_DATABASE, sign_in)


@pytest.fixture
def environment(database_url: str, sign_in: SignIn) -> Environment:
    """Return an environment with an empty database."""
    return Environment(database_url, sign_in)


def client_of(app: FastAPI) -> AsyncClient:
    """Return a client of an app in this process. Exceptions of the app become responses, as with a server."""
    return AsyncClient(transport=ASGITransport(app, raise_app_exceptions=False), base_url="http://backend")


async def until_ready(client: AsyncClient) -> None:
    """Wait until an app is ready, which includes its migrations."""
    async with asyncio.timeout(5):
        while (await client.get("/ready")).status_code != 200:  # noqa: ASYNC110 - a probe, as by the kubelet
            await asyncio.sleep(0)  # a response in this process may not pass through the event loop


@pytest.fixture
async def client(environment: Environment) -> AsyncIterator[AsyncClient]:
    """Yield a client of an app that is ready."""
    async with environment.running() as client:
        await until_ready(client)
        yield client


@pytest.fixture
async def chat_client(environment: Environment) -> AsyncIterator[AsyncClient]:
    """Yield a client of an app that is ready and has an MCP server."""
    async with mcp_server(environment.database_url) as url, environment.running(mcp_url=url) as client:
        await until_ready(client)
        yield client


def bearer(token: str) -> dict[str, str]:
    """Return the header with a token."""
    return {"Authorization": f"Bearer {token}"}
