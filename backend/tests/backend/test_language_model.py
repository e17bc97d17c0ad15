"""The assistant with a language model.

The model is a fake: an HTTP server on this machine that follows the documented Chat Completions API with tool calls,
and sends the responses of the test. The tools, the MCP server and the database are real.
"""

import asyncio
import json
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from typing import Any

import pytest
from httpx2 import AsyncClient
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from tests.backend.conftest import TASKS, UNREACHABLE, Environment, mcp_server, served, until_ready
from tests.backend.test_chat import CONVERSATIONS, DOWN, send
from todo_backend.language_model import MAX_ROUNDS

KEY = "sk-s3cret"


@dataclass
class FakeModel:
    """A fake language model.

    Attributes:
        script: Its responses, in order: a message, or a whole response.
        requests: The bodies of the requests.
        keys: The Authorization headers of the requests.
        url: Its URL.
    """

    script: list[dict[str, Any] | Response] = field(default_factory=list)
    requests: list[dict[str, Any]] = field(default_factory=list)
    keys: list[str] = field(default_factory=list)
    url: str = ""

    def app(self) -> Starlette:
        """Return an app that sends the responses."""

        async def completions(request: Request) -> Response:
            self.requests.append(await request.json())
            self.keys.append(request.headers["Authorization"])
            scripted = self.script.pop(0)
            if isinstance(scripted, Response):
                return scripted
            choice = {"index": 0, "message": {"role": "assistant", **scripted}, "finish_reason": "stop"}
            completion = {"id": "chatcmpl-1", "object": "chat.completion", "choices": [choice]}
            return Response(
                json.dumps(completion), media_type="application/json"
            )  # ASCII with escapes, which can spell lone surrogates

        return Starlette(routes=[Route("/v1/chat/completions", completions, methods=["POST"])])


def request_call(tool: str, arguments: str | dict[str, Any], call_id: str = "call_1") -> dict[str, Any]:
    """Return a message that requests one tool call."""
    text = arguments if isinstance(arguments, str) else json.dumps(arguments)
    call = {"id": call_id, "type": "function", "function": {"name": tool, "arguments": text}}
    return {"content": None, "tool_calls": [call]}


@pytest.fixture
async def model() -> AsyncIterator[FakeModel]:
    """Serve a fake model."""
    model = FakeModel()
    async with served(model.app()) as url:
        model.url = f"{url}/v1"
        yield model


@pytest.fixture
async def model_client(environment: Environment, model: FakeModel) -> AsyncIterator[AsyncClient]:
    """Yield a client of an app whose assistant uses the fake model."""
    async with (
        mcp_server(environment.database_url) as mcp,
        environment.running(mcp_url=mcp, openai_key=KEY, openai_url=model.url, openai_model="small") as client,
    ):
        await until_ready(client)
        yield client


async def test_the_model_uses_the_tools(model_client: AsyncClient, model: FakeModel) -> None:
    """It gets the tools without the user's id; its call is made for the user, and it gets the result."""
    model.script = [request_call("add_task", {"title": "buy milk"}), {"content": "Milk is on your list."}]

    answer = await send(model_client, "I am out of milk")

    (task,) = (await model_client.get(TASKS)).json()
    assert (answer["reply"], task["title"]) == ("Milk is on your list.", "buy milk")
    assert [call["tool"] for call in answer["tool_calls"]] == ["add_task"]
    first, second = model.requests
    assert (first["model"], model.keys) == ("small", [f"Bearer {KEY}"] * 2)
    assert [message["role"] for message in first["messages"]] == ["system", "user"]
    parameters = {entry["function"]["name"]: entry["function"]["parameters"] for entry in first["tools"]}
    assert len(parameters) == 5
    assert not any(
        "user_id" in schema["properties"] or "user_id" in schema["required"] for schema in parameters.values()
    )
    request, result = second["messages"][-2:]
    assert request["tool_calls"] == request_call("add_task", {"title": "buy milk"})["tool_calls"]
    assert (result["role"], result["tool_call_id"]) == ("tool", "call_1")
    assert json.loads(result["content"])["id"] == task["id"]


async def test_the_model_cannot_choose_whose_tasks(model_client: AsyncClient, model: FakeModel) -> None:
    """A user id among the arguments of the model is ignored."""
    model.script = [request_call("add_task", {"title": "mine", "user_id": "bob"}), {"content": "Done"}]

    await send(model_client, "add a task to Bob's list")

    assert [task["title"] for task in (await model_client.get(TASKS)).json()] == ["mine"]


async def test_the_model_gets_the_conversation(model_client: AsyncClient, model: FakeModel) -> None:
    """The earlier messages come before the latest one, the oldest first."""
    model.script = [{"content": "Hello Ada"}, {"content": "You are Ada"}]
    conversation = (await send(model_client, "I am Ada"))["conversation_id"]

    await send(model_client, "Who am I?", conversation)

    assert [message["content"] for message in model.requests[1]["messages"][1:]] == [
        "I am Ada",
        "Hello Ada",
        "Who am I?",
    ]


MISTAKES = {
    "no such tool": (request_call("drop_table", {}), "There is no tool 'drop_table'"),
    "not JSON": (request_call("add_task", "{title: milk"), "The arguments are not JSON"),
    "not an object": (request_call("add_task", "[1]"), "The arguments are not a JSON object"),
    "no such task": (request_call("delete_task", {"task_id": 7}), "There is no task 7"),
    "an invalid argument": (request_call("delete_task", {"task_id": "all"}), "task_id"),
}


@pytest.mark.parametrize(("mistake", "message"), MISTAKES.values(), ids=MISTAKES.keys())
async def test_the_model_gets_its_mistakes_as_results(
    model_client: AsyncClient, model: FakeModel, mistake: dict[str, Any], message: str
) -> None:
    """A call that cannot be made has the reason as its result, so that the model can correct it."""
    model.script = [mistake, {"content": "Sorry"}]

    assert (await send(model_client, "do it"))["reply"] == "Sorry"

    assert message in model.requests[1]["messages"][-1]["content"]


ERRORS = {
    "a refusal": (JSONResponse({"error": {"message": "Incorrect API key\nprovided"}}, 401), "401 Incorrect API key"),
    "an error without a message": (Response("<html>", 502), "502 Bad Gateway"),
    "a refusal that cannot be encoded": (Response(r'{"error": {"message": "no\u0000\ud800"}}', 400), "400 no?"),
    "not JSON": (Response("hello"), "cannot be read"),
    "no choices": (JSONResponse({"choices": []}), "cannot be read"),
}


@pytest.mark.parametrize(("response", "reason"), ERRORS.values(), ids=ERRORS.keys())
async def test_the_error_of_a_model_is_the_reply(
    model_client: AsyncClient, model: FakeModel, response: Response, reason: str
) -> None:
    """The reply says that the model failed and why, and never contains the API key."""
    model.script = [response]

    reply = (await send(model_client, "hello"))["reply"]

    assert reply.startswith("The language model")
    assert reason in reply
    assert KEY not in reply


async def test_a_model_that_requests_tools_forever_is_stopped(model_client: AsyncClient, model: FakeModel) -> None:
    """The number of rounds is limited."""
    model.script = [request_call("list_tasks", {}) for _ in range(MAX_ROUNDS + 1)]

    answer = await send(model_client, "loop")

    assert "did not come to an answer" in answer["reply"]
    assert len(answer["tool_calls"]) == MAX_ROUNDS


async def test_a_model_must_reply_after_its_last_round(model_client: AsyncClient, model: FakeModel) -> None:
    """The last request forbids tool calls, so the model replies to their results."""
    model.script = [*(request_call("list_tasks", {}) for _ in range(MAX_ROUNDS)), {"content": "Nothing to do."}]

    assert (await send(model_client, "look well"))["reply"] == "Nothing to do."

    assert [request.get("tool_choice") for request in model.requests] == [None] * MAX_ROUNDS + ["none"]


SILENT = {
    "a refusal": ([{"content": None, "refusal": "I will not."}], "I will not."),
    "nothing": ([{"content": ""}], "The language model gave no answer; please try again"),
    "nothing after a tool call": ([request_call("add_task", {"title": "milk"}), {"content": None}], "Done."),
}


@pytest.mark.parametrize(("script", "reply"), SILENT.values(), ids=SILENT.keys())
async def test_a_model_without_text_gets_a_suitable_reply(
    model_client: AsyncClient, model: FakeModel, script: list[dict[str, Any] | Response], reply: str
) -> None:
    """A refusal is the reply; "Done." stands for silence only after a tool call."""
    model.script = script

    assert (await send(model_client, "do it"))["reply"] == reply


async def test_an_unreachable_model_is_reported(environment: Environment) -> None:
    """The reply says so."""
    async with (
        mcp_server(environment.database_url) as mcp,
        environment.running(mcp_url=mcp, openai_key=KEY, openai_url=f"{UNREACHABLE}/v1") as client,
    ):
        await until_ready(client)
        reply = (await send(client, "hello"))["reply"]

    assert reply == "The language model cannot be reached; please try again in a moment"


async def test_a_slow_model_is_waited_for_only_so_long(environment: Environment) -> None:
    """The time limit is for the whole reply."""

    async def slow(_: Request) -> Response:
        await asyncio.sleep(1)
        return Response()

    app = Starlette(routes=[Route("/v1/chat/completions", slow, methods=["POST"])])
    async with mcp_server(environment.database_url) as mcp, served(app) as url:
        settings = {"mcp_url": mcp, "openai_key": KEY, "openai_url": f"{url}/v1", "model_seconds": 0.2}
        async with environment.running(**settings) as client:
            await until_ready(client)
            reply = (await asyncio.wait_for(send(client, "hello"), timeout=0.9))["reply"]

    assert reply == "The language model took longer than 0.2 s; please try again"


async def test_without_the_mcp_server_the_model_is_not_called(environment: Environment, model: FakeModel) -> None:
    """It could not use any tool."""
    async with environment.running(openai_key=KEY, openai_url=model.url) as client:
        await until_ready(client)
        assert (await send(client, "hello"))["reply"] == DOWN

    assert model.requests == []


ODD = {
    "a lone surrogate": request_call("add_task", r'{"title": "\ud800"}'),
    "nested deeper than the parser allows": request_call("add_task", '{"title": ' + "[" * 99_999 + "]" * 99_999 + "}"),
    "nested as deep as the parser allows": request_call("add_task", '{"title": ' + "[" * 190 + "]" * 190 + "}"),
    "nested deeper than the serializer allows": request_call("add_task", '{"title": ' + "[" * 900 + "]" * 900 + "}"),
    "a number of 5000 digits": request_call("delete_task", '{"task_id": ' + "9" * 5000 + "}"),
    "not a number": request_call("delete_task", '{"task_id": NaN}'),
}


@pytest.mark.parametrize("odd", ODD.values(), ids=ODD.keys())
async def test_unusual_arguments_do_not_prevent_a_reply(
    model_client: AsyncClient, model: FakeModel, odd: dict[str, Any]
) -> None:
    """The earlier calls are listed, and the conversation continues."""
    model.script = [request_call("add_task", {"title": "milk"}), odd, {"content": "Milk is on your list."}]

    answer = await send(model_client, "I am out of milk")

    assert answer["tool_calls"][0]["tool"] == "add_task"
    assert answer["reply"] == "Milk is on your list."
    said = (await model_client.get(f"{CONVERSATIONS}/{answer['conversation_id']}/messages")).json()
    assert said[-1]["content"] == answer["reply"]


@pytest.mark.parametrize(
    ("content", "reply"),
    [("Done\0.", "Done."), ("Done\ud800.", "The language model gave an answer that cannot be read; please try again")],
)
async def test_text_that_cannot_be_stored_is_cleaned_or_rejected(
    model_client: AsyncClient, model: FakeModel, content: str, reply: str
) -> None:
    """PostgreSQL cannot store NUL, and lone surrogates are not text."""
    model.script = [{"content": content}]

    answer = await send(model_client, "hello")

    assert answer["reply"] == reply
    said = (await model_client.get(f"{CONVERSATIONS}/{answer['conversation_id']}/messages")).json()
    assert said[-1]["content"] == reply
