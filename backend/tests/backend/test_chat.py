"""Chat with the assistant without a language model: with the real MCP server, over HTTP, and real PostgreSQL."""

import asyncio
import logging
import socket
import time
from collections.abc import AsyncIterator
from typing import Any

import psycopg
import pytest
from httpx2 import AsyncClient

from tests.backend.conftest import TASKS, UNREACHABLE, Environment, bearer, mcp_server, served, until_ready
from todo_backend import chat
from todo_backend.phrases import HELP, intent_of
from todo_service.postgresql import DatabaseUnavailableError

CHAT = "/api/ada/chat"
CONVERSATIONS = "/api/ada/conversations"
DOWN = "The task tools do not answer right now; please try again in a moment"


async def send(client: AsyncClient, message: str, conversation: int | None = None) -> dict[str, Any]:
    """Send a chat message and return the response."""
    body = {"message": message} | ({"conversation_id": conversation} if conversation else {})
    response = await client.post(CHAT, json=body)
    assert response.status_code == 200, response.text
    answer: dict[str, Any] = response.json()
    return answer


async def test_tasks_can_be_managed_by_chat(chat_client: AsyncClient) -> None:
    """Add, list, complete, rename and delete change the same tasks that the page shows."""
    added = await send(chat_client, "add buy milk")
    (task,) = (await chat_client.get(TASKS)).json()
    number = task["id"]
    replies = [
        (await send(chat_client, message))["reply"]
        for message in (f"done {number}", "list", f"rename {number} to buy oat milk", "list open", f"delete {number}")
    ]

    assert (added["reply"], task["title"]) == (f"Added {number}: buy milk", "buy milk")
    assert replies == [
        "Done: buy milk",
        f"{number}. ☑ buy milk",
        f"Renamed {number}: buy oat milk",
        "There are no such tasks.",
        "Deleted: buy oat milk",
    ]
    assert (await chat_client.get(TASKS)).json() == []


async def test_a_reply_lists_its_tool_calls(chat_client: AsyncClient) -> None:
    """Each call has its arguments, without the user, and its result; Server-Timing has the duration."""
    response = await chat_client.post(CHAT, json={"message": "add buy milk"})

    (call,) = response.json()["tool_calls"]
    assert (call["tool"], call["arguments"], call["failed"]) == ("add_task", {"title": "buy milk"}, False)
    assert call["result"]["title"] == "buy milk"
    name, _, milliseconds = response.headers["Server-Timing"].partition(";dur=")
    assert name == "add_task"
    assert 0 < float(milliseconds) < 2000


async def test_the_error_of_a_tool_is_the_reply(chat_client: AsyncClient, environment: Environment) -> None:
    """A task that belongs to another user is reported as missing."""
    bob = bearer(environment.sign_in.token("bob"))
    bobs = (await chat_client.post("/api/bob/tasks", json={"title": "Bob's"}, headers=bob)).json()["id"]

    answer = await send(chat_client, f"delete {bobs}")

    assert answer["reply"] == f"There is no task {bobs}"
    assert [call["failed"] for call in answer["tool_calls"]] == [True]
    assert len((await chat_client.get("/api/bob/tasks", headers=bob)).json()) == 1


@pytest.mark.parametrize("title", ["'); DROP TABLE tasks; --", "買牛乳 🥛", "<script>alert(1)</script>", "call Ann?"])
async def test_a_title_in_a_chat_message_is_ordinary_text(chat_client: AsyncClient, title: str) -> None:
    """SQL, emoji and HTML are stored unchanged."""
    await send(chat_client, f"add {title}")

    assert [task["title"] for task in (await chat_client.get(TASKS)).json()] == [title]


async def test_a_title_that_is_too_long_is_explained(chat_client: AsyncClient) -> None:
    """The reply states the limit, not an internal error."""
    assert (await send(chat_client, "add " + "x" * 501))["reply"] == "A title has at most 500 characters."


async def test_a_long_list_says_where_it_ends(chat_client: AsyncClient, environment: Environment) -> None:
    """A user cannot mistake the first 500 tasks for all tasks."""
    with psycopg.connect(environment.database_url) as connection:
        connection.execute("INSERT INTO tasks (user_id, title) SELECT 'ada', 'x' FROM generate_series(1, 501)")

    lines = (await send(chat_client, "list"))["reply"].splitlines()

    assert (len(lines), lines[-1]) == (501, "… (the first 500)")


async def test_an_unknown_phrase_gets_the_list_of_phrases(chat_client: AsyncClient) -> None:
    """A message that is not understood changes nothing."""
    answer = await send(chat_client, "What is the meaning of life?")

    assert (answer["reply"], answer["tool_calls"]) == (HELP, [])


async def test_a_conversation_is_stored(chat_client: AsyncClient) -> None:
    """Messages and replies are listed in order; conversations have the first words as title, the latest comes first."""
    first = (await send(chat_client, "list"))["conversation_id"]
    second = (await send(chat_client, "add  buy\nmilk"))["conversation_id"]
    assert (await send(chat_client, "help", first))["conversation_id"] == first

    conversations = (await chat_client.get(CONVERSATIONS)).json()
    said = (await chat_client.get(f"{CONVERSATIONS}/{first}/messages")).json()

    assert [(one["id"], one["title"]) for one in conversations] == [(first, "list"), (second, "add buy milk")]
    assert [(one["role"], one["content"]) for one in said] == [
        ("user", "list"),
        ("assistant", "There are no such tasks."),
        ("user", "help"),
        ("assistant", HELP),
    ]
    rest = (await chat_client.get(f"{CONVERSATIONS}/{first}/messages?after={said[1]['id']}&limit=1")).json()
    assert rest == said[2:3]


async def test_another_users_conversation_does_not_exist(chat_client: AsyncClient, environment: Environment) -> None:
    """It can neither be read nor continued."""
    mine = (await send(chat_client, "list"))["conversation_id"]
    bob = bearer(environment.sign_in.token("bob"))

    read = await chat_client.get(f"/api/bob/conversations/{mine}/messages", headers=bob)
    said = await chat_client.post("/api/bob/chat", json={"message": "hi", "conversation_id": mine}, headers=bob)

    assert [response.status_code for response in (read, said)] == [404, 404]
    assert (await chat_client.get("/api/bob/conversations", headers=bob)).json() == []
    assert len((await chat_client.get(f"{CONVERSATIONS}/{mine}/messages")).json()) == 2


@pytest.mark.parametrize(
    ("body", "status"),
    [
        ({}, 422),
        ({"message": " "}, 422),
        ({"message": "a\0b"}, 422),
        ({"message": "x" * 4001}, 422),
        ({"message": "x" * 2**20}, 413),
        ({"message": "hi", "conversation_id": "one"}, 422),
        ({"message": "hi", "conversation_id": 2**63}, 422),
        ({"message": "hi", "conversation_id": 2**62}, 404),
        ({"message": "hi", "user_id": "bob"}, 422),
    ],
)
async def test_an_invalid_message_is_rejected(client: AsyncClient, body: dict[str, Any], status: int) -> None:
    """The response is a problem, and no conversation is created."""
    response = await client.post(CHAT, json=body)

    assert response.status_code == status
    assert response.headers["content-type"] == "application/problem+json"
    assert (await client.get(CONVERSATIONS)).json() == []


async def test_without_the_mcp_server_the_reply_says_so_in_time(environment: Environment) -> None:
    """The reply comes within the time limit, and the conversation is stored."""
    async with environment.running(mcp_url=UNREACHABLE) as client:
        await until_ready(client)
        answer = await asyncio.wait_for(send(client, "list"), timeout=3)
        said = (await client.get(f"{CONVERSATIONS}/{answer['conversation_id']}/messages")).json()

    assert (answer["reply"], answer["tool_calls"]) == (DOWN, [])
    assert [one["content"] for one in said] == ["list", DOWN]


async def test_a_silent_mcp_server_is_waited_for_only_so_long(environment: Environment) -> None:
    """A server that accepts connections and then sends nothing delays the reply by the time limit only."""
    with socket.create_server(("127.0.0.1", 0)) as silent:
        url = f"http://127.0.0.1:{silent.getsockname()[1]}"
        async with environment.running(mcp_url=url, tool_seconds=0.3) as client:
            await until_ready(client)
            started = time.monotonic()
            assert (await send(client, "list"))["reply"] == DOWN

    assert 0.3 <= time.monotonic() - started < 1.5


async def test_an_mcp_server_that_comes_back_is_used(environment: Environment) -> None:
    """The first call after an outage succeeds."""
    listening = socket.create_server(("127.0.0.1", 0))
    address = listening.getsockname()
    async with environment.running(mcp_url=f"http://127.0.0.1:{address[1]}") as client:
        await until_ready(client)
        async with mcp_server(environment.database_url, listening):
            first = await send(client, "add buy milk")
        down = await send(client, "list")
        async with mcp_server(environment.database_url, socket.create_server(address)):
            back = await send(client, "list")

    assert first["reply"].startswith("Added")
    assert down["reply"] == DOWN
    assert back["reply"].endswith("☐ buy milk")


async def test_a_call_is_one_request(chat_client: AsyncClient, caplog: pytest.LogCaptureFixture) -> None:
    """There is no handshake and, once the list of tools is cached, no other request: the MCP server logs one line."""
    await send(chat_client, "list")
    with caplog.at_level(logging.INFO):
        await chat_client.post(CHAT, json={"message": "list"}, headers={"X-Request-ID": "from-the-page"})

    requests = [record.message for record in caplog.records if record.name == "todo_service.request_log"]
    assert [message for message in requests if "/mcp" in message] == ["POST /mcp 200"]


@pytest.fixture
async def ids(environment: Environment) -> AsyncIterator[tuple[AsyncClient, list[str]]]:
    """Yield a client of an app whose MCP server only records the ids of its requests."""
    seen: list[str] = []

    async def app(scope: Any, receive: Any, send: Any) -> None:  # noqa: ANN401, ARG001 - ASGI
        if scope["type"] == "http":
            seen.append(dict(scope["headers"]).get(b"x-request-id", b"").decode())
            await send({"type": "http.response.start", "status": 503, "headers": []})
            await send({"type": "http.response.body"})

    async with served(app) as url, environment.running(mcp_url=url) as client:
        await until_ready(client)
        yield client, seen


async def test_the_request_id_reaches_the_mcp_server(ids: tuple[AsyncClient, list[str]]) -> None:
    """Tools are called with the request id that the page sent."""
    client, seen = ids
    await client.post(CHAT, json={"message": "list"}, headers={"X-Request-ID": "from-the-page"})

    assert set(seen) == {"from-the-page"}


async def test_a_reply_is_sent_even_if_it_cannot_be_stored(
    chat_client: AsyncClient, environment: Environment, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The tool has done its work: an error would make the user repeat the message."""

    async def down(*_: object) -> None:
        raise DatabaseUnavailableError("gone")

    monkeypatch.setattr(chat, "_save_reply", down)
    answer = await send(chat_client, "add buy milk")

    assert answer["reply"].startswith("Added")
    with psycopg.connect(environment.database_url) as connection:
        assert connection.execute("SELECT count(*) FROM messages").fetchone() == (1,)


async def test_ten_chats_at_once_are_answered(chat_client: AsyncClient) -> None:
    """Ten concurrent messages all get their own reply (SC-008)."""
    answers = await asyncio.gather(*(send(chat_client, f"add thing {number}") for number in range(10)))

    assert sorted(answer["reply"].partition(": ")[2] for answer in answers) == [f"thing {n}" for n in range(10)]
    assert len({answer["conversation_id"] for answer in answers}) == 10


@pytest.mark.parametrize(
    ("message", "tool", "arguments"),
    [
        ("add buy milk", "add_task", {"title": "buy milk"}),
        ("Add task: Buy milk.", "add_task", {"title": "Buy milk."}),
        ("please add a new task: milk", "add_task", {"title": "milk"}),
        ("create an egg timer", "add_task", {"title": "egg timer"}),
        ("add new shoes", "add_task", {"title": "new shoes"}),
        ("add task force meeting", "add_task", {"title": "force meeting"}),
        ("add a task for Ann", "add_task", {"title": "for Ann"}),
        ("add tasks of the week", "add_task", {"title": "tasks of the week"}),
        ("remind me to call Ann", "add_task", {"title": "call Ann"}),
        ("list", "list_tasks", {}),
        ("Show me my tasks!", "list_tasks", {}),
        ("list open", "list_tasks", {"completed": False}),
        ("show done tasks", "list_tasks", {"completed": True}),
        ("done 3", "complete_task", {"task_id": 3}),
        ("done 007", "complete_task", {"task_id": 7}),
        ("Complete task #12.", "complete_task", {"task_id": 12}),
        ("reopen 3", "update_task", {"completed": False, "task_id": 3}),
        ("delete 2", "delete_task", {"task_id": 2}),
        ("rename 2 to buy oat milk", "update_task", {"task_id": 2, "title": "buy oat milk"}),
        ("change task 2: buy oat milk", "update_task", {"task_id": 2, "title": "buy oat milk"}),
    ],
)
def test_phrases_are_understood(message: str, tool: str, arguments: dict[str, Any]) -> None:
    """A phrase always means the same call."""
    intent = intent_of(message)

    assert intent is not None
    assert (intent.tool, intent.arguments) == (tool, arguments)


EMPTY = ["add task", "new task", "add a task", "add task: ", "add a new task:", "please create a new task", "add task."]
ZERO = ["done 0", "delete 0", "reopen task #00", "rename 0 to milk"]


@pytest.mark.parametrize(
    "message", ["", "add", "done", "done three", "done 3 4", "delete all", "rename 2", "?", *EMPTY, *ZERO]
)
def test_an_incomplete_phrase_means_nothing(message: str) -> None:
    """The assistant does not guess, least of all what to delete."""
    assert intent_of(message) is None
