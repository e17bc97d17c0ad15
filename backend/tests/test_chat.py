"""Chat with the assistant that has no model: through the real MCP server, over HTTP, to real PostgreSQL."""

import asyncio
import logging
import socket
import time
from collections.abc import AsyncIterator
from typing import Any

import psycopg
import pytest
from httpx2 import AsyncClient

from tests.conftest import NOWHERE, TASKS, World, bearer, mcp_over, served, until_ready
from todo_backend import chat
from todo_backend.database import DatabaseDownError
from todo_backend.phrases import HELP, intent_of

CHAT = "/api/ada/chat"
CONVERSATIONS = "/api/ada/conversations"
DOWN = "The task tools do not answer right now; please try again in a moment"


async def say(client: AsyncClient, message: str, conversation: int | None = None) -> dict[str, Any]:
    """Say something and return the answer."""
    body = {"message": message} | ({"conversation_id": conversation} if conversation else {})
    response = await client.post(CHAT, json=body)
    assert response.status_code == 200, response.text
    answer: dict[str, Any] = response.json()
    return answer


async def test_the_whole_list_can_be_kept_by_chat(chatting: AsyncClient) -> None:
    """Add, list, complete, rename, delete: what is said is what is in the list that the page shows."""
    added = await say(chatting, "add buy milk")
    (task,) = (await chatting.get(TASKS)).json()
    number = task["id"]
    replies = [
        (await say(chatting, words))["reply"]
        for words in (f"done {number}", "list", f"rename {number} to buy oat milk", "list open", f"delete {number}")
    ]

    assert (added["reply"], task["title"]) == (f"Added {number}: buy milk", "buy milk")
    assert replies == [
        "Done: buy milk",
        f"{number}. ☑ buy milk",
        f"Renamed {number}: buy oat milk",
        "There are no such tasks.",
        "Deleted: buy oat milk",
    ]
    assert (await chatting.get(TASKS)).json() == []


async def test_an_answer_names_what_was_done(chatting: AsyncClient) -> None:
    """Each call with its arguments, which hold no user, and its result; Server-Timing has how long it took."""
    response = await chatting.post(CHAT, json={"message": "add buy milk"})

    (call,) = response.json()["tool_calls"]
    assert (call["tool"], call["arguments"], call["failed"]) == ("add_task", {"title": "buy milk"}, False)
    assert call["result"]["title"] == "buy milk"
    name, _, milliseconds = response.headers["Server-Timing"].partition(";dur=")
    assert name == "add_task"
    assert 0 < float(milliseconds) < 2000


async def test_what_cannot_be_done_is_said(chatting: AsyncClient, world: World) -> None:
    """A task that is not there, or another's, is named as missing, in the tool's own words."""
    bob = bearer(world.sign_in.token("bob"))
    bobs = (await chatting.post("/api/bob/tasks", json={"title": "Bob's"}, headers=bob)).json()["id"]

    answer = await say(chatting, f"delete {bobs}")

    assert answer["reply"] == f"There is no task {bobs}"
    assert [call["failed"] for call in answer["tool_calls"]] == [True]
    assert len((await chatting.get("/api/bob/tasks", headers=bob)).json()) == 1


@pytest.mark.parametrize("title", ["'); DROP TABLE tasks; --", "買牛乳 🥛", "<script>alert(1)</script>", "call Ann?"])
async def test_a_title_in_a_chat_is_text_like_any_other(chatting: AsyncClient, title: str) -> None:
    """SQL, emoji and HTML arrive as they were said."""
    await say(chatting, f"add {title}")

    assert [task["title"] for task in (await chatting.get(TASKS)).json()] == [title]


async def test_a_title_that_is_too_long_is_named(chatting: AsyncClient) -> None:
    """The limit is said, not an error of the machinery."""
    assert (await say(chatting, "add " + "x" * 501))["reply"] == "A title has at most 500 characters."


async def test_a_long_list_says_where_it_ends(chatting: AsyncClient, world: World) -> None:
    """Nobody takes the first tasks for all."""
    with psycopg.connect(world.database_url) as connection:
        connection.execute("INSERT INTO tasks (user_id, title) SELECT 'ada', 'x' FROM generate_series(1, 501)")

    lines = (await say(chatting, "list"))["reply"].splitlines()

    assert (len(lines), lines[-1]) == (501, "… (the first 500)")


async def test_other_words_get_the_list_of_phrases(chatting: AsyncClient) -> None:
    """What is not understood changes nothing."""
    answer = await say(chatting, "What is the meaning of life?")

    assert (answer["reply"], answer["tool_calls"]) == (HELP, [])


async def test_a_conversation_is_kept(chatting: AsyncClient) -> None:
    """Both sides of it, in order, under the title of its first words; the last one that went on stands first."""
    first = (await say(chatting, "list"))["conversation_id"]
    second = (await say(chatting, "add  buy\nmilk"))["conversation_id"]
    assert (await say(chatting, "help", first))["conversation_id"] == first

    conversations = (await chatting.get(CONVERSATIONS)).json()
    said = (await chatting.get(f"{CONVERSATIONS}/{first}/messages")).json()

    assert [(one["id"], one["title"]) for one in conversations] == [(first, "list"), (second, "add buy milk")]
    assert [(one["role"], one["content"]) for one in said] == [
        ("user", "list"),
        ("assistant", "There are no such tasks."),
        ("user", "help"),
        ("assistant", HELP),
    ]
    rest = (await chatting.get(f"{CONVERSATIONS}/{first}/messages?after={said[1]['id']}&limit=1")).json()
    assert rest == said[2:3]


async def test_another_users_conversation_is_as_good_as_not_there(chatting: AsyncClient, world: World) -> None:
    """It cannot be read, and nothing can be said in it."""
    mine = (await say(chatting, "list"))["conversation_id"]
    bob = bearer(world.sign_in.token("bob"))

    read = await chatting.get(f"/api/bob/conversations/{mine}/messages", headers=bob)
    said = await chatting.post("/api/bob/chat", json={"message": "hi", "conversation_id": mine}, headers=bob)

    assert [response.status_code for response in (read, said)] == [404, 404]
    assert (await chatting.get("/api/bob/conversations", headers=bob)).json() == []
    assert len((await chatting.get(f"{CONVERSATIONS}/{mine}/messages")).json()) == 2


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
async def test_a_wrong_message_is_refused(client: AsyncClient, body: dict[str, Any], status: int) -> None:
    """The right status code with a problem, and no conversation begun."""
    response = await client.post(CHAT, json=body)

    assert response.status_code == status
    assert response.headers["content-type"] == "application/problem+json"
    assert (await client.get(CONVERSATIONS)).json() == []


async def test_without_the_mcp_server_the_user_is_told_in_time(world: World) -> None:
    """A sentence within the limit; what was said and answered is kept."""
    async with world.running(mcp_url=NOWHERE) as client:
        await until_ready(client)
        answer = await asyncio.wait_for(say(client, "list"), timeout=3)
        said = (await client.get(f"{CONVERSATIONS}/{answer['conversation_id']}/messages")).json()

    assert (answer["reply"], answer["tool_calls"]) == (DOWN, [])
    assert [one["content"] for one in said] == ["list", DOWN]


async def test_a_silent_mcp_server_is_waited_for_only_so_long(world: World) -> None:
    """One that accepts connections and then says nothing costs the time limit, and no more."""
    with socket.create_server(("127.0.0.1", 0)) as silent:
        url = f"http://127.0.0.1:{silent.getsockname()[1]}"
        async with world.running(mcp_url=url, tool_seconds=0.3) as client:
            await until_ready(client)
            began = time.monotonic()
            assert (await say(client, "list"))["reply"] == DOWN

    assert 0.3 <= time.monotonic() - began < 1.5


async def test_an_mcp_server_that_comes_back_is_used(world: World) -> None:
    """An outage outlives no call: the next one after it works."""
    listening = socket.create_server(("127.0.0.1", 0))
    address = listening.getsockname()
    async with world.running(mcp_url=f"http://127.0.0.1:{address[1]}") as client:
        await until_ready(client)
        async with mcp_over(world.database_url, listening):
            first = await say(client, "add buy milk")
        down = await say(client, "list")
        async with mcp_over(world.database_url, socket.create_server(address)):
            back = await say(client, "list")

    assert first["reply"].startswith("Added")
    assert down["reply"] == DOWN
    assert back["reply"].endswith("☐ buy milk")


async def test_a_call_is_one_request_under_the_users_request_id(
    chatting: AsyncClient, caplog: pytest.LogCaptureFixture
) -> None:
    """No handshake and, once the tools are known, no list: a call is one line in the MCP server's log."""
    await say(chatting, "list")
    with caplog.at_level(logging.INFO):
        await chatting.post(CHAT, json={"message": "list"}, headers={"X-Request-ID": "from-the-page"})

    mcp = [record for record in caplog.records if record.name == "todo_mcp.serving"]
    assert [record.getMessage() for record in mcp] == ["POST /mcp 200"]


@pytest.fixture
async def ids(world: World) -> AsyncIterator[tuple[AsyncClient, list[str]]]:
    """Give a client for an app whose MCP server is one that only keeps the ids of its requests."""
    seen: list[str] = []

    async def app(scope: Any, receive: Any, send: Any) -> None:  # noqa: ANN401, ARG001 - ASGI
        if scope["type"] == "http":
            seen.append(dict(scope["headers"]).get(b"x-request-id", b"").decode())
            await send({"type": "http.response.start", "status": 503, "headers": []})
            await send({"type": "http.response.body"})

    async with served(app) as url, world.running(mcp_url=url) as client:
        await until_ready(client)
        yield client, seen


async def test_the_request_id_reaches_the_mcp_server(ids: tuple[AsyncClient, list[str]]) -> None:
    """The header that the page sent is the one that the tools are called with."""
    client, seen = ids
    await client.post(CHAT, json={"message": "list"}, headers={"X-Request-ID": "from-the-page"})

    assert set(seen) == {"from-the-page"}


async def test_a_reply_is_given_even_when_it_cannot_be_kept(
    chatting: AsyncClient, world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What the tool did is done: the user must not be led to ask for it twice."""

    async def down(*_: object) -> None:
        raise DatabaseDownError("gone")

    monkeypatch.setattr(chat, "_kept", down)
    answer = await say(chatting, "add buy milk")

    assert answer["reply"].startswith("Added")
    with psycopg.connect(world.database_url) as connection:
        assert connection.execute("SELECT count(*) FROM messages").fetchone() == (1,)


async def test_ten_chats_at_once_are_answered(chatting: AsyncClient) -> None:
    """Ten users' worth of messages all get their own answer (SC-008)."""
    answers = await asyncio.gather(*(say(chatting, f"add thing {number}") for number in range(10)))

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
    """The same words are always the same call."""
    intent = intent_of(message)

    assert intent is not None
    assert (intent.tool, intent.arguments) == (tool, arguments)


EMPTY = ["add task", "new task", "add a task", "add task: ", "add a new task:", "please create a new task", "add task."]
ZERO = ["done 0", "delete 0", "reopen task #00", "rename 0 to milk"]


@pytest.mark.parametrize(
    "message", ["", "add", "done", "done three", "done 3 4", "delete all", "rename 2", "?", *EMPTY, *ZERO]
)
def test_half_a_phrase_is_none(message: str) -> None:
    """Nothing is guessed: least of all what to delete."""
    assert intent_of(message) is None
