"""Fixtures for all tests: an empty schema in a real PostgreSQL."""

import os
from collections.abc import Iterator
from urllib.parse import quote, urlencode
from uuid import uuid4

import psycopg
import pytest
from psycopg.sql import SQL, Identifier

UNREACHABLE_DATABASE = "postgresql://todo:s3cret@127.0.0.1:1/todo"
"""A database that refuses connections: nothing listens on port 1."""


@pytest.fixture(scope="session")
def server_url() -> str:
    """Return DATABASE_URL of the environment. Without it, the tests that need a database are skipped."""
    url = os.environ.get("DATABASE_URL")
    if url is None:
        if os.environ.get("CI"):
            pytest.fail("DATABASE_URL is not set, and CI skips no test")
        pytest.skip("needs a PostgreSQL server: set DATABASE_URL")
    return url


@pytest.fixture
def database_url(server_url: str) -> Iterator[str]:
    """Return a URL whose tables are in an empty schema, which is dropped afterwards; other data is not touched."""
    schema = f"todo_test_{uuid4().hex}"
    parameters = urlencode({"options": f"-csearch_path={schema}", "application_name": schema}, quote_via=quote)
    with psycopg.connect(server_url, autocommit=True) as connection:
        connection.execute(SQL("CREATE SCHEMA {}").format(Identifier(schema)))
        yield f"{server_url}{'&' if '?' in server_url else '?'}{parameters}"
        connection.execute(SQL("DROP SCHEMA {} CASCADE").format(Identifier(schema)))
