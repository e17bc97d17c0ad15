"""The assistant with a model.

The model is a stand-in: a small HTTP server on this machine that follows the documented Chat Completions API with tool
calls, and says what each test has it say. The tools, the MCP server and the database behind them are the real ones.
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

from tests.conftest import NOWHERE, TASKS, World, mcp_over, served, until_ready
from tests.test_chat import CONVERSATIONS, DOWN, say
from todo_backend.model import ROUNDS

KEY = "sk-s3cret"


@dataclass
class StandIn:
    """A stand-in for a model's service.

    Attributes:
        script: What it answers, in order: a message, or a whole response.
        asked: The bodies that it was sent.
        keys: The Authorization headers that came with them.
        url: Where it answers.
    """

    script: list[dict[str, Any] | Response] = field(default_factory=list)
    asked: list[dict[str, Any]] = field(default_factory=list)
    keys: list[str] = field(default_factory=list)
    url: str = ""

    def app(self) -> Starlette:
        """Return the app that answers."""

        async def completions(request: Request) -> Response:
            self.asked.append(await request.json())
            self.keys.append(request.headers["Authorization"])
            said = self.script.pop(0)
            if isinstance(said, Response):
                return said
            choice = {"index": 0, "message": {"role": "assistant", **said}, "finish_reason": "stop"}
            completion = {"id": "chatcmpl-1", "object": "chat.completion", "choices": [choice]}
            return Response(json.dumps(completion), media_type="application/json")  # in ASCII, whatever was said

        return Starlette(routes=[Route("/v1/chat/completions", completions, methods=["POST"])])


def wish(tool: str, arguments: str | dict[str, Any], call_id: str = "call_1") -> dict[str, Any]:
    """Return a message that asks for one call."""
    text = arguments if isinstance(arguments, str) else json.dumps(arguments)
    call = {"id": call_id, "type": "function", "function": {"name": tool, "arguments": text}}
    return {"content": None, "tool_calls": [call]}


@pytest.fixture
async def model() -> AsyncIterator[StandIn]:
    """Give a stand-in that answers on this machine."""
    model = StandIn()
    async with served(model.app()) as url:
        model.url = f"{url}/v1"
        yield model


@pytest.fixture
async def asking(world: World, model: StandIn) -> AsyncIterator[AsyncClient]:
    """Give a client for an app whose assistant asks the stand-in."""
    async with (
        mcp_over(world.database_url) as mcp,
        world.running(mcp_url=mcp, openai_key=KEY, openai_url=model.url, openai_model="small") as client,
    ):
        await until_ready(client)
        yield client


async def test_the_model_uses_the_tools(asking: AsyncClient, model: StandIn) -> None:
    """It is offered the tools without the user's id, its call is made for the user, and it is told the result."""
    model.script = [wish("add_task", {"title": "buy milk"}), {"content": "Milk is on your list."}]

    answer = await say(asking, "I am out of milk")

    (task,) = (await asking.get(TASKS)).json()
    assert (answer["reply"], task["title"]) == ("Milk is on your list.", "buy milk")
    assert [call["tool"] for call in answer["tool_calls"]] == ["add_task"]
    first, second = model.asked
    assert (first["model"], model.keys) == ("small", [f"Bearer {KEY}"] * 2)
    assert [message["role"] for message in first["messages"]] == ["system", "user"]
    parameters = {entry["function"]["name"]: entry["function"]["parameters"] for entry in first["tools"]}
    assert len(parameters) == 5
    assert not any(
        "user_id" in schema["properties"] or "user_id" in schema["required"] for schema in parameters.values()
    )
    asked, told = second["messages"][-2:]
    assert asked["tool_calls"] == wish("add_task", {"title": "buy milk"})["tool_calls"]
    assert (told["role"], told["tool_call_id"]) == ("tool", "call_1")
    assert json.loads(told["content"])["id"] == task["id"]


async def test_the_model_cannot_choose_whose_tasks(asking: AsyncClient, model: StandIn) -> None:
    """A user's id that a model makes up, or was talked into, does not count."""
    model.script = [wish("add_task", {"title": "mine", "user_id": "bob"}), {"content": "Done"}]

    await say(asking, "add a task to Bob's list")

    assert [task["title"] for task in (await asking.get(TASKS)).json()] == ["mine"]


async def test_the_model_is_told_of_the_conversation(asking: AsyncClient, model: StandIn) -> None:
    """What was said before comes with the question, the oldest first."""
    model.script = [{"content": "Hello Ada"}, {"content": "You are Ada"}]
    conversation = (await say(asking, "I am Ada"))["conversation_id"]

    await say(asking, "Who am I?", conversation)

    assert [message["content"] for message in model.asked[1]["messages"][1:]] == ["I am Ada", "Hello Ada", "Who am I?"]


MISTAKES = {
    "no such tool": (wish("drop_table", {}), "There is no tool 'drop_table'"),
    "no JSON": (wish("add_task", "{title: milk"), "The arguments are not JSON"),
    "no object": (wish("add_task", "[1]"), "The arguments are not a JSON object"),
    "no such task": (wish("delete_task", {"task_id": 7}), "There is no task 7"),
    "a wrong argument": (wish("delete_task", {"task_id": "all"}), "task_id"),
}


@pytest.mark.parametrize(("mistake", "told"), MISTAKES.values(), ids=MISTAKES.keys())
async def test_the_model_is_told_of_its_mistakes(
    asking: AsyncClient, model: StandIn, mistake: dict[str, Any], told: str
) -> None:
    """A call that cannot be made is answered with the reason, so that the model can do better."""
    model.script = [mistake, {"content": "Sorry"}]

    assert (await say(asking, "do it"))["reply"] == "Sorry"

    assert told in model.asked[1]["messages"][-1]["content"]


FAULTS = {
    "a refusal": (JSONResponse({"error": {"message": "Incorrect API key\nprovided"}}, 401), "401 Incorrect API key"),
    "a fault without words": (Response("<html>", 502), "502 Bad Gateway"),
    "a refusal in odd words": (Response(r'{"error": {"message": "no\u0000\ud800"}}', 400), "400 no?"),
    "no JSON": (Response("hello"), "cannot be read"),
    "no choice": (JSONResponse({"choices": []}), "cannot be read"),
}


@pytest.mark.parametrize(("fault", "said"), FAULTS.values(), ids=FAULTS.keys())
async def test_a_model_that_fails_is_told_of_in_a_sentence(
    asking: AsyncClient, model: StandIn, fault: Response, said: str
) -> None:
    """The user learns that it is the model, and never the key."""
    model.script = [fault]

    reply = (await say(asking, "hello"))["reply"]

    assert reply.startswith("The language model")
    assert said in reply
    assert KEY not in reply


async def test_a_model_that_goes_round_in_circles_is_stopped(asking: AsyncClient, model: StandIn) -> None:
    """It may ask for tools so often, and no more."""
    model.script = [wish("list_tasks", {}) for _ in range(ROUNDS + 1)]

    answer = await say(asking, "loop")

    assert "went round in circles" in answer["reply"]
    assert len(answer["tool_calls"]) == ROUNDS


async def test_a_model_is_asked_for_words_after_its_last_tools(asking: AsyncClient, model: StandIn) -> None:
    """What the last round did is told by it, since it may ask for no more."""
    model.script = [*(wish("list_tasks", {}) for _ in range(ROUNDS)), {"content": "Nothing to do."}]

    assert (await say(asking, "look well"))["reply"] == "Nothing to do."

    assert [asked.get("tool_choice") for asked in model.asked] == [None] * ROUNDS + ["none"]


SILENT = {
    "a refusal": ([{"content": None, "refusal": "I will not."}], "I will not."),
    "nothing": ([{"content": ""}], "The language model gave no answer; please try again"),
    "nothing after a deed": ([wish("add_task", {"title": "milk"}), {"content": None}], "Done."),
}


@pytest.mark.parametrize(("script", "reply"), SILENT.values(), ids=SILENT.keys())
async def test_a_model_without_words_has_done_only_what_was_done(
    asking: AsyncClient, model: StandIn, script: list[dict[str, Any] | Response], reply: str
) -> None:
    """Its refusal is told, and nothing is called done where no tool was called."""
    model.script = script

    assert (await say(asking, "do it"))["reply"] == reply


async def test_a_model_that_is_not_there_is_told_of(world: World) -> None:
    """A sentence, not a fault."""
    async with (
        mcp_over(world.database_url) as mcp,
        world.running(mcp_url=mcp, openai_key=KEY, openai_url=f"{NOWHERE}/v1") as client,
    ):
        await until_ready(client)
        reply = (await say(client, "hello"))["reply"]

    assert reply == "The language model cannot be reached; please try again in a moment"


async def test_a_slow_model_is_waited_for_only_so_long(world: World) -> None:
    """The limit is for the whole answer."""

    async def slow(_: Request) -> Response:
        await asyncio.sleep(1)
        return Response()

    app = Starlette(routes=[Route("/v1/chat/completions", slow, methods=["POST"])])
    async with mcp_over(world.database_url) as mcp, served(app) as url:
        settings = {"mcp_url": mcp, "openai_key": KEY, "openai_url": f"{url}/v1", "model_seconds": 0.2}
        async with world.running(**settings) as client:
            await until_ready(client)
            reply = (await asyncio.wait_for(say(client, "hello"), timeout=0.9))["reply"]

    assert reply == "The language model took longer than 0.2 s; please try again"


async def test_without_the_mcp_server_the_model_is_not_asked(world: World, model: StandIn) -> None:
    """It could do nothing."""
    async with world.running(openai_key=KEY, openai_url=model.url) as client:
        await until_ready(client)
        assert (await say(client, "hello"))["reply"] == DOWN

    assert model.asked == []


ODD = {
    "a lone surrogate": wish("add_task", r'{"title": "\ud800"}'),
    "nested deeper than JSON is read": wish("add_task", '{"title": ' + "[" * 100_000 + "]" * 100_000 + "}"),
    "nested just as deep as is read": wish("add_task", '{"title": ' + "[" * 190 + "]" * 190 + "}"),
    "nested deeper than JSON is written": wish("add_task", '{"title": ' + "[" * 900 + "]" * 900 + "}"),
    "a number of 5000 digits": wish("delete_task", '{"task_id": ' + "9" * 5000 + "}"),
    "not a number": wish("delete_task", '{"task_id": NaN}'),
}


@pytest.mark.parametrize("odd", ODD.values(), ids=ODD.keys())
async def test_odd_arguments_cost_no_answer(asking: AsyncClient, model: StandIn, odd: dict[str, Any]) -> None:
    """What was done before them is listed, and the conversation goes on."""
    model.script = [wish("add_task", {"title": "milk"}), odd, {"content": "Milk is on your list."}]

    answer = await say(asking, "I am out of milk")

    assert answer["tool_calls"][0]["tool"] == "add_task"
    assert answer["reply"] == "Milk is on your list."
    said = (await asking.get(f"{CONVERSATIONS}/{answer['conversation_id']}/messages")).json()
    assert said[-1]["content"] == answer["reply"]


@pytest.mark.parametrize(
    ("words", "reply"),
    [("Done\0.", "Done."), ("Done\ud800.", "The language model gave an answer that cannot be read; please try again")],
)
async def test_odd_words_cost_no_fault(asking: AsyncClient, model: StandIn, words: str, reply: str) -> None:
    """PostgreSQL takes no NUL, and half of a character is no text."""
    model.script = [{"content": words}]

    answer = await say(asking, "hello")

    assert answer["reply"] == reply
    said = (await asking.get(f"{CONVERSATIONS}/{answer['conversation_id']}/messages")).json()
    assert said[-1]["content"] == reply
