"""The tools, with the official client and real PostgreSQL."""

import asyncio
import json
import time
from typing import Any

import psycopg
import pytest
from mcp import Client
from mcp_types import TextContent

from tests.conftest import UNREACHABLE_DATABASE
from tests.mcp.conftest import mcp_client, running

ADAS = ["Buy milk", "買牛乳 🥛"]
BOBS_TASK = 3

TOOLS = {
    "list_tasks": {"user_id", "completed", "limit"},
    "add_task": {"user_id", "title"},
    "complete_task": {"user_id", "task_id"},
    "update_task": {"user_id", "task_id", "title", "completed"},
    "delete_task": {"user_id", "task_id"},
}


async def call(client: Client, tool: str, user: str = "ada", **arguments: Any) -> Any:  # noqa: ANN401 - any JSON
    """Call a tool for a user and return its result."""
    result = await client.call_tool(tool, {"user_id": user, **arguments})
    assert not result.is_error, result.content
    assert result.structured_content is not None
    return result.structured_content


async def titles(client: Client, user: str = "ada", **arguments: Any) -> list[str]:  # noqa: ANN401 - any argument
    """Call list_tasks and return the titles."""
    return [task["title"] for task in (await call(client, "list_tasks", user, **arguments))["result"]]


async def error_of(client: Client, tool: str = "list_tasks", **arguments: Any) -> str:  # noqa: ANN401 - any argument
    """Call a tool that fails, and return its error message."""
    result = await client.call_tool(tool, {"user_id": "ada", **arguments})
    assert result.is_error
    assert isinstance(result.content[0], TextContent)
    return result.content[0].text


async def test_the_tools_are_described() -> None:
    """There are five tools with arguments, descriptions and results; list_tasks is marked as read-only."""
    async with mcp_client(UNREACHABLE_DATABASE) as client:
        tools = {tool.name: tool for tool in (await client.list_tools()).tools}

    assert {name: tool.input_schema["properties"].keys() for name, tool in tools.items()} == TOOLS
    assert all("user_id" in tool.input_schema["required"] and tool.description for tool in tools.values())
    assert all(tool.output_schema for tool in tools.values())
    read_only = [name for name, tool in tools.items() if tool.annotations and tool.annotations.read_only_hint]
    assert read_only == ["list_tasks"]


@pytest.mark.usefixtures("database")
@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        ({}, ADAS),
        ({"completed": True}, ["Buy milk"]),
        ({"completed": False}, ["買牛乳 🥛"]),
        ({"limit": 1}, ["Buy milk"]),
        ({"user": "bob"}, ["Water the plants"]),
        ({"user": "ada' OR '1'='1"}, []),
    ],
)
async def test_a_users_tasks_are_listed(database_url: str, arguments: dict[str, Any], expected: list[str]) -> None:
    """All tasks or the filtered ones are listed, oldest first, and none of another user."""
    async with mcp_client(database_url) as client:
        assert await titles(client, **arguments) == expected


async def test_the_default_limit_is_the_maximum(database: psycopg.Connection, database_url: str) -> None:
    """Without a limit 500 tasks are listed, since an assistant could mistake fewer for all."""
    database.execute("INSERT INTO tasks (user_id, title) SELECT 'eve', n::text FROM generate_series(1, 501) AS n")

    async with mcp_client(database_url) as client:
        assert await titles(client, "eve") == [str(number) for number in range(1, 501)]


@pytest.mark.usefixtures("database")
@pytest.mark.parametrize("title", ["Buy bread", "🥖" * 500, "'); DROP TABLE tasks; --", "<b>bold</b>", "e\u0301"])
async def test_an_added_task_belongs_to_its_user(database_url: str, title: str) -> None:
    """It is returned as it was stored, and listed for its user only."""
    async with mcp_client(database_url) as client:
        task = await call(client, "add_task", title=f"  {title} ")

        assert (task["title"], task["completed"]) == (title, False)
        assert await titles(client) == [*ADAS, title]
        assert title not in await titles(client, "bob")


@pytest.mark.usefixtures("database")
async def test_a_task_is_completed_reopened_and_renamed(database_url: str) -> None:
    """Fields that a call leaves out stay as they are, and completing twice is not an error."""
    async with mcp_client(database_url) as client:
        done = [await call(client, "complete_task", task_id=2) for _ in range(2)]
        renamed = await call(client, "update_task", task_id=2, title="Buy oat milk")
        reopened = await call(client, "update_task", task_id=2, completed=False)

    assert [task["completed"] for task in done] == [True, True]
    assert (renamed["title"], renamed["completed"]) == ("Buy oat milk", True)
    assert (reopened["title"], reopened["completed"]) == ("Buy oat milk", False)
    assert reopened["updated_at"] > reopened["created_at"]


@pytest.mark.usefixtures("database")
async def test_a_deleted_task_is_gone(database_url: str) -> None:
    """The first deletion returns it, a second one finds no such task."""
    async with mcp_client(database_url) as client:
        assert (await call(client, "delete_task", task_id=1))["title"] == "Buy milk"
        assert (await error_of(client, "delete_task", task_id=1)).endswith(": There is no task 1")
        assert await titles(client) == ["買牛乳 🥛"]


@pytest.mark.usefixtures("database")
@pytest.mark.parametrize("tool", ["complete_task", "update_task", "delete_task"])
async def test_another_users_task_does_not_exist(database_url: str, tool: str) -> None:
    """It is not changed, and the error does not reveal that it exists."""
    async with mcp_client(database_url) as client:
        assert (await error_of(client, tool, task_id=BOBS_TASK)).endswith(f": There is no task {BOBS_TASK}")
        assert (await call(client, "list_tasks", "bob"))["result"][0]["completed"] is False


INVALID = {
    "a limit of 0": ("list_tasks", {"limit": 0}, "limit"),
    "a limit that is too large": ("list_tasks", {"limit": 501}, "limit"),
    "a limit in words": ("list_tasks", {"limit": "many"}, "limit"),
    "completed is not a boolean": ("list_tasks", {"completed": "perhaps"}, "completed"),
    "a blank user": ("list_tasks", {"user_id": " "}, "user_id"),
    "no title": ("add_task", {}, "title"),
    "an empty title": ("add_task", {"title": " \n"}, "title"),
    "a title of 10 KB": ("add_task", {"title": "x" * 10_240}, "title"),
    "a title with NUL": ("add_task", {"title": "a\0b"}, "title"),
    "an id that is too large": ("complete_task", {"task_id": 2**63}, "task_id"),
    "an id in words": ("delete_task", {"task_id": "all"}, "task_id"),
}


@pytest.mark.usefixtures("database")
@pytest.mark.parametrize(("tool", "arguments", "named"), INVALID.values(), ids=INVALID.keys())
async def test_an_invalid_argument_is_named(
    database_url: str, tool: str, arguments: dict[str, Any], named: str
) -> None:
    """The error names the argument, so that an assistant can correct it, and nothing changes."""
    async with mcp_client(database_url) as client:
        assert named in await error_of(client, tool, **arguments)
        assert await titles(client) == ADAS


async def test_without_the_table_the_tool_says_so(database_url: str) -> None:
    """This is normal until the backend has migrated the database."""
    async with mcp_client(database_url) as client:
        assert (await error_of(client)).endswith(": The backend has not created the tasks table yet")


async def test_without_a_database_the_tool_says_so_in_time() -> None:
    """The error comes within the 2 s that a caller waits, and does not contain the password."""
    async with mcp_client(UNREACHABLE_DATABASE) as client:
        before = time.monotonic()
        text = await error_of(client)

    assert "The database cannot be used: connection failed" in text
    assert "Connection refused" in text
    assert "s3cret" not in text
    assert time.monotonic() - before < 2.5


async def test_connections_closed_by_the_database_fail_no_call(database: psycopg.Connection, database_url: str) -> None:
    """After a restart of the database, simulated by closing its connections, the next call succeeds."""
    async with mcp_client(database_url) as client:
        await titles(client)
        ended = database.execute(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
            " WHERE application_name = current_setting('application_name') AND pid <> pg_backend_pid()"
        ).fetchall()
        assert ended

        assert await titles(client) == ADAS


@pytest.mark.usefixtures("database")
async def test_ten_calls_at_once_are_answered(database_url: str) -> None:
    """More concurrent calls than connections all succeed."""
    async with mcp_client(database_url) as client:
        answers = await asyncio.gather(*(titles(client) for _ in range(10)))

    assert answers == [ADAS] * 10


@pytest.mark.parametrize(
    ("content", "status"),
    [(b"not json", 400), (b"[" * 50_000, 400), (json.dumps({"x": "y" * 2**20}).encode(), 413), (b"\xff\xfe", 400)],
    ids=["not JSON", "deep", "1 MB", "not text"],
)
async def test_an_invalid_message_is_rejected(content: bytes, status: int) -> None:
    """It has the right status code and no stack trace."""
    headers = {"Accept": "application/json, text/event-stream", "Content-Type": "application/json"}
    async with running(UNREACHABLE_DATABASE) as http:
        response = await http.post("/mcp", content=content, headers=headers)

    assert response.status_code == status
    assert "Traceback" not in response.text
