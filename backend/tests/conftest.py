"""What the tests share: a schema of their own in a real PostgreSQL, and the app over it."""

import asyncio
import os
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from typing import Any
from urllib.parse import quote, urlencode
from uuid import uuid4

import psycopg
import pytest
from fastapi import FastAPI
from httpx import ASGITransport, AsyncClient
from psycopg.sql import SQL, Identifier

from todo_backend.app import create_app
from todo_backend.serving import Life
from todo_backend.settings import Settings

NOBODY_LISTENS = "postgresql://todo:s3cret@127.0.0.1:1/todo"
"""A database that cannot be reached: nothing is served on port 1."""


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


@asynccontextmanager
async def running(url: str, life: Life | None = None, **settings: Any) -> AsyncIterator[AsyncClient]:  # noqa: ANN401 - any setting
    """Run the app as a server would, without one, and give a client for it."""
    app = create_app(Settings(database_url=url, version="1.2.3", **settings), life or Life())
    async with app.router.lifespan_context(app), client_of(app) as client:
        yield client


def client_of(app: FastAPI) -> AsyncClient:
    """Return a client that asks an app in this process; the app's faults become responses, as in a server."""
    return AsyncClient(transport=ASGITransport(app, raise_app_exceptions=False), base_url="http://backend")


async def until_ready(client: AsyncClient) -> None:
    """Wait until an app's tables are made."""
    async with asyncio.timeout(5):
        while (await client.get("/ready")).status_code != 200:
            pass


@pytest.fixture
async def client(database_url: str) -> AsyncIterator[AsyncClient]:
    """Give a client for an app whose database is ready."""
    async with running(database_url) as client:
        await until_ready(client)
        yield client
