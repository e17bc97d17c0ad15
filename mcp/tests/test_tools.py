"""The tools, through the official client and real PostgreSQL."""

import asyncio
import time
from typing import Any

import psycopg
import pytest
from mcp import Client
from mcp_types import TextContent

from tests.conftest import NOBODY_LISTENS, assistant


async def titles(client: Client, **arguments: Any) -> list[str]:  # noqa: ANN401 - any argument
    """Call list_tasks and return the titles."""
    result = await client.call_tool("list_tasks", arguments)
    assert not result.is_error, result.content
    assert result.structured_content is not None
    return [task["title"] for task in result.structured_content["result"]]


async def refusal(client: Client, **arguments: Any) -> str:  # noqa: ANN401 - any argument
    """Call list_tasks and return the text of its failure."""
    result = await client.call_tool("list_tasks", arguments)
    assert result.is_error
    assert isinstance(result.content[0], TextContent)
    return result.content[0].text


@pytest.mark.usefixtures("database")
async def test_the_tool_says_what_it_takes(database_url: str) -> None:
    """An assistant sees one tool, that it only reads, and which arguments it has."""
    async with assistant(database_url) as client:
        (tool,) = (await client.list_tools()).tools

    assert tool.name == "list_tasks"
    assert tool.annotations is not None
    assert tool.annotations.read_only_hint
    assert tool.input_schema["properties"].keys() == {"completed", "limit"}


@pytest.mark.usefixtures("database")
@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        ({}, ["Buy milk", "買牛乳 🥛"]),
        ({"completed": True}, ["Buy milk"]),
        ({"completed": False}, ["買牛乳 🥛"]),
        ({"limit": 1}, ["Buy milk"]),
    ],
)
async def test_tasks_are_listed(database_url: str, arguments: dict[str, Any], expected: list[str]) -> None:
    """All of them, or those asked for, oldest first."""
    async with assistant(database_url) as client:
        assert await titles(client, **arguments) == expected


@pytest.mark.usefixtures("database")
@pytest.mark.parametrize("arguments", [{"limit": 0}, {"limit": 501}, {"limit": "many"}, {"completed": "perhaps"}])
async def test_a_wrong_argument_is_named(database_url: str, arguments: dict[str, Any]) -> None:
    """The failure's text names the argument, so that an assistant can correct itself."""
    async with assistant(database_url) as client:
        assert next(iter(arguments)) in await refusal(client, **arguments)


async def test_before_the_backend_came_the_tool_says_so(database_url: str) -> None:
    """A database without the table is not a crash."""
    async with assistant(database_url) as client:
        assert (await refusal(client)).endswith(": The backend has not made the tasks table yet")


async def test_without_a_database_the_tool_says_so_in_time() -> None:
    """The failure comes within the 2 s that a caller waits, and holds no password."""
    async with assistant(NOBODY_LISTENS) as client:
        before = time.monotonic()
        text = await refusal(client)

    assert "The database cannot be used: connection failed" in text
    assert "Connection refused" in text
    assert "s3cret" not in text
    assert time.monotonic() - before < 2.5


async def test_connections_cut_by_the_database_cost_no_call(database: psycopg.Connection, database_url: str) -> None:
    """After a restart of the database, here the end of its connections, the next call works."""
    async with assistant(database_url) as client:
        await titles(client)
        ended = database.execute(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
            " WHERE application_name = current_setting('application_name') AND pid <> pg_backend_pid()"
        ).fetchall()
        assert ended

        assert len(await titles(client)) == 2


@pytest.mark.usefixtures("database")
async def test_ten_calls_at_once_are_answered(database_url: str) -> None:
    """More callers than connections wait for each other and get their answers."""
    async with assistant(database_url) as client:
        answers = await asyncio.gather(*(titles(client) for _ in range(10)))

    assert [len(answer) for answer in answers] == [2] * 10
