"""Fixtures of the MCP server's tests: a database with tasks, and the app."""

from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from typing import Any

import psycopg
import pytest
from httpx2 import ASGITransport, AsyncClient
from mcp import Client
from mcp.client.streamable_http import streamable_http_client
from sqlalchemy import create_engine

from todo_backend.database import psycopg_url
from todo_backend.migrations import migrate
from todo_mcp.app import create_app
from todo_mcp.settings import Settings
from todo_service.health import Shutdown

ADDRESS = "http://ai-todo-mcp-service:8001"


@pytest.fixture
def database(database_url: str) -> Iterator[psycopg.Connection]:
    """Yield a connection to a database that the backend migrated: Ada has two tasks, one of them done, Bob has one."""
    engine = create_engine(psycopg_url(database_url))
    with engine.begin() as connection:
        assert migrate(connection)
    engine.dispose()
    with psycopg.connect(database_url, autocommit=True) as connection:
        connection.execute(
            "INSERT INTO tasks (user_id, title, completed) VALUES"
            " ('ada', 'Buy milk', true), ('ada', '買牛乳 🥛', false), ('bob', 'Water the plants', false)"
        )
        yield connection


@asynccontextmanager
async def running(url: str, shutdown: Shutdown | None = None, **settings: Any) -> AsyncIterator[AsyncClient]:  # noqa: ANN401 - any setting
    """Run the app in this process, and yield an HTTP client."""
    read = Settings.of({"DATABASE_URL": url, "APP_VERSION": "1.2.3"} | settings)
    app = create_app(read, shutdown or Shutdown())
    async with app.router.lifespan_context(app), AsyncClient(transport=ASGITransport(app), base_url=ADDRESS) as client:
        yield client


@asynccontextmanager
async def mcp_client(url: str) -> AsyncIterator[Client]:
    """Run the app, and yield an MCP client."""
    async with (
        running(url) as http,
        Client(streamable_http_client(f"{ADDRESS}/mcp", http_client=http)) as client,
    ):
        yield client
