"""The tools, through the official client and real PostgreSQL."""

import asyncio
import json
import time
from typing import Any

import psycopg
import pytest
from mcp import Client
from mcp_types import TextContent

from tests.conftest import NOBODY_LISTENS, assistant, running

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
    """Call a tool for a user and return what it answers."""
    result = await client.call_tool(tool, {"user_id": user, **arguments})
    assert not result.is_error, result.content
    assert result.structured_content is not None
    return result.structured_content


async def titles(client: Client, user: str = "ada", **arguments: Any) -> list[str]:  # noqa: ANN401 - any argument
    """Call list_tasks and return the titles."""
    return [task["title"] for task in (await call(client, "list_tasks", user, **arguments))["result"]]


async def refusal(client: Client, tool: str = "list_tasks", **arguments: Any) -> str:  # noqa: ANN401 - any argument
    """Call a tool and return the text of its failure."""
    result = await client.call_tool(tool, {"user_id": "ada", **arguments})
    assert result.is_error
    assert isinstance(result.content[0], TextContent)
    return result.content[0].text


async def test_the_tools_say_what_they_take() -> None:
    """An assistant sees five tools with their arguments, what they return, and which of them only reads."""
    async with assistant(NOBODY_LISTENS) as client:
        tools = {tool.name: tool for tool in (await client.list_tools()).tools}

    assert {name: tool.input_schema["properties"].keys() for name, tool in tools.items()} == TOOLS
    assert all("user_id" in tool.input_schema["required"] and tool.description for tool in tools.values())
    assert all(tool.output_schema for tool in tools.values())
    reading = [name for name, tool in tools.items() if tool.annotations and tool.annotations.read_only_hint]
    assert reading == ["list_tasks"]


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
    """All of them, or those asked for, oldest first, and nobody else's."""
    async with assistant(database_url) as client:
        assert await titles(client, **arguments) == expected


async def test_as_many_tasks_are_listed_as_may_be_asked_for(database: psycopg.Connection, database_url: str) -> None:
    """Without a limit an assistant gets 500, since it would take fewer for all."""
    database.execute("INSERT INTO tasks (user_id, title) SELECT 'eve', n::text FROM generate_series(1, 501) AS n")

    async with assistant(database_url) as client:
        assert await titles(client, "eve") == [str(number) for number in range(1, 501)]


@pytest.mark.usefixtures("database")
@pytest.mark.parametrize("title", ["Buy bread", "🥖" * 500, "'); DROP TABLE tasks; --", "<b>bold</b>", "e\u0301"])
async def test_an_added_task_is_the_users(database_url: str, title: str) -> None:
    """It is returned as it was stored, listed for its user, and not for another."""
    async with assistant(database_url) as client:
        task = await call(client, "add_task", title=f"  {title} ")

        assert (task["title"], task["completed"]) == (title, False)
        assert await titles(client) == [*ADAS, title]
        assert title not in await titles(client, "bob")


@pytest.mark.usefixtures("database")
async def test_a_task_is_completed_reopened_and_renamed(database_url: str) -> None:
    """What a call leaves out stays as it was, and completing twice is no error."""
    async with assistant(database_url) as client:
        done = [await call(client, "complete_task", task_id=2) for _ in range(2)]
        renamed = await call(client, "update_task", task_id=2, title="Buy oat milk")
        reopened = await call(client, "update_task", task_id=2, completed=False)

    assert [task["completed"] for task in done] == [True, True]
    assert (renamed["title"], renamed["completed"]) == ("Buy oat milk", True)
    assert (reopened["title"], reopened["completed"]) == ("Buy oat milk", False)
    assert reopened["updated_at"] > reopened["created_at"]


@pytest.mark.usefixtures("database")
async def test_a_deleted_task_is_gone(database_url: str) -> None:
    """It is returned once, and then there is no such task."""
    async with assistant(database_url) as client:
        assert (await call(client, "delete_task", task_id=1))["title"] == "Buy milk"
        assert (await refusal(client, "delete_task", task_id=1)).endswith(": There is no task 1")
        assert await titles(client) == ["買牛乳 🥛"]


@pytest.mark.usefixtures("database")
@pytest.mark.parametrize("tool", ["complete_task", "update_task", "delete_task"])
async def test_another_users_task_is_as_good_as_not_there(database_url: str, tool: str) -> None:
    """Nobody changes it, and nobody learns that it exists."""
    async with assistant(database_url) as client:
        assert (await refusal(client, tool, task_id=BOBS_TASK)).endswith(f": There is no task {BOBS_TASK}")
        assert (await call(client, "list_tasks", "bob"))["result"][0]["completed"] is False


WRONG = {
    "no such limit": ("list_tasks", {"limit": 0}, "limit"),
    "a large limit": ("list_tasks", {"limit": 501}, "limit"),
    "a limit in words": ("list_tasks", {"limit": "many"}, "limit"),
    "perhaps": ("list_tasks", {"completed": "perhaps"}, "completed"),
    "no user": ("list_tasks", {"user_id": " "}, "user_id"),
    "no title": ("add_task", {}, "title"),
    "an empty title": ("add_task", {"title": " \n"}, "title"),
    "a title of 10 KB": ("add_task", {"title": "x" * 10_240}, "title"),
    "a title with NUL": ("add_task", {"title": "a\0b"}, "title"),
    "an id that no bigint holds": ("complete_task", {"task_id": 2**63}, "task_id"),
    "an id in words": ("delete_task", {"task_id": "all"}, "task_id"),
}


@pytest.mark.usefixtures("database")
@pytest.mark.parametrize(("tool", "arguments", "named"), WRONG.values(), ids=WRONG.keys())
async def test_a_wrong_argument_is_named(database_url: str, tool: str, arguments: dict[str, Any], named: str) -> None:
    """The failure's text names the argument, so that an assistant can correct itself, and nothing is changed."""
    async with assistant(database_url) as client:
        assert named in await refusal(client, tool, **arguments)
        assert await titles(client) == ADAS


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

        assert await titles(client) == ADAS


@pytest.mark.usefixtures("database")
async def test_ten_calls_at_once_are_answered(database_url: str) -> None:
    """More callers than connections wait for each other and get their answers."""
    async with assistant(database_url) as client:
        answers = await asyncio.gather(*(titles(client) for _ in range(10)))

    assert answers == [ADAS] * 10


@pytest.mark.parametrize(
    ("content", "status"),
    [(b"not json", 400), (b"[" * 50_000, 400), (json.dumps({"x": "y" * 2**20}).encode(), 413), (b"\xff\xfe", 400)],
    ids=["no JSON", "deep", "1 MB", "no text"],
)
async def test_what_is_no_message_is_refused(content: bytes, status: int) -> None:
    """The right status code, and no stack trace."""
    headers = {"Accept": "application/json, text/event-stream", "Content-Type": "application/json"}
    async with running(NOBODY_LISTENS) as http:
        response = await http.post("/mcp", content=content, headers=headers)

    assert response.status_code == status
    assert "Traceback" not in response.text
