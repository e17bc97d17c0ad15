"""The assistant with a language model, asked by the Chat Completions API that many services and local servers speak."""

import asyncio
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import httpx2
from pydantic import BaseModel, ConfigDict, Field, ValidationError
from pydantic_core import from_json

from todo_backend.assistant import Hands, ModelError, Turn
from todo_backend.tools import Tool

ROUNDS = 6
"""How often a model may ask for tools before it must have answered."""

INSTRUCTIONS = (
    "You keep the user's to-do list with the tools. Find a task's id with list_tasks before you change it. Never "
    "invent tasks. Answer in the user's language, in one or two short sentences, and say what you changed."
)

REASON_LENGTH = 200


class Function(BaseModel):
    """The function that a model asks for; its arguments are JSON in a string."""

    name: str
    arguments: str = "{}"


class Wish(BaseModel):
    """One call that a model asks for."""

    id: str
    function: Function


class Said(BaseModel):
    """What a model said: words, why it will not say any, calls that it asks for."""

    model_config = ConfigDict(extra="ignore")

    content: str | None = None
    refusal: str | None = None
    tool_calls: list[Wish] | None = None


class Choice(BaseModel):
    """One answer of several."""

    message: Said


class Completion(BaseModel):
    """A response of the API, as far as it is read here."""

    choices: list[Choice] = Field(min_length=1)


@dataclass(frozen=True, slots=True)
class LanguageModel:
    """An assistant that asks a model what to say and which tools to use.

    Attributes:
        http: The client that asks.
        url: Where the API begins, up to /chat/completions.
        key: The bearer token.
        model: The model's name.
        seconds: How long a whole answer may take, tools included.
    """

    http: httpx2.AsyncClient
    url: str
    key: str = field(repr=False)
    model: str
    seconds: float

    async def answer(self, conversation: Sequence[Turn], hands: Hands) -> str:
        """Return the model's reply, after the calls that it asked for were made."""
        try:
            async with asyncio.timeout(self.seconds):
                return await self._converse(conversation, hands)
        except TimeoutError as error:
            raise ModelError(f"The language model took longer than {self.seconds:g} s; please try again") from error

    async def _converse(self, conversation: Sequence[Turn], hands: Hands) -> str:
        tools = [_offer(tool) for tool in await hands.offered()]
        messages: list[dict[str, Any]] = [{"role": "system", "content": INSTRUCTIONS}]
        messages += [{"role": turn.role, "content": turn.content} for turn in conversation]
        for _ in range(ROUNDS):
            said = await self._ask(messages, tools)
            if not said.tool_calls:
                return _words(said, hands)
            messages.append({"role": "assistant", "content": said.content, **_typed(said.tool_calls)})
            for wish in said.tool_calls:
                content = await _grant(wish, hands)
                messages.append({"role": "tool", "tool_call_id": wish.id, "content": content})
        said = await self._ask(messages, tools, tool_choice="none")
        if said.tool_calls:
            raise ModelError("The language model went round in circles; please say it in another way")
        return _words(said, hands)

    async def _ask(
        self, messages: Sequence[Mapping[str, Any]], tools: Sequence[Mapping[str, Any]], **more: object
    ) -> Said:
        try:
            response = await self.http.post(
                f"{self.url}/chat/completions",
                headers={"Authorization": f"Bearer {self.key}"},
                json={"model": self.model, "messages": messages, "tools": tools, **more},
                timeout=self.seconds,
            )
            if response.is_error:
                raise ModelError(f"The language model refused: {_reason(response)}")
            return Completion.model_validate_json(response.content).choices[0].message
        except httpx2.TimeoutException as error:
            raise TimeoutError from error
        except httpx2.HTTPError as error:
            raise ModelError("The language model cannot be reached; please try again in a moment") from error
        except ValidationError as error:
            raise ModelError("The language model gave an answer that cannot be read; please try again") from error


def _words(said: Said, hands: Hands) -> str:
    """Return a model's reply, which may be its refusal; where it is silent, only what was done can stand for one."""
    words = said.content or said.refusal or ("Done." if hands.calls else "")
    if not words:
        raise ModelError("The language model gave no answer; please try again")
    return words


def _offer(tool: Tool) -> dict[str, Any]:
    """Return a tool as the API takes it."""
    function = {"name": tool.name, "description": tool.description, "parameters": tool.parameters}
    return {"type": "function", "function": function}


def _typed(wishes: Sequence[Wish]) -> dict[str, Any]:
    """Return a model's calls as it is told of them again: each with its type, which the API insists on."""
    return {"tool_calls": [{"type": "function", **wish.model_dump()} for wish in wishes]}


async def _grant(wish: Wish, hands: Hands) -> str:
    """Make the call that a model asks for; its mistakes are told to it, so that it can correct them."""
    names = [tool.name for tool in await hands.offered()]
    if wish.function.name not in names:
        return f"There is no tool {wish.function.name!r}, only {', '.join(names)}"
    try:
        # Stricter than json.loads: what is nested too deep, or no text, is refused here and not where it is sent.
        arguments = from_json(wish.function.arguments or "{}", allow_inf_nan=False)
    except ValueError as error:
        return f"The arguments are not JSON: {error}"
    if not isinstance(arguments, dict):
        return "The arguments are not a JSON object"
    outcome = await hands.call(wish.function.name, arguments)
    return outcome.result if outcome.failed else json.dumps(outcome.result, ensure_ascii=False)


def _reason(response: httpx2.Response) -> str:
    """Return why a request was refused: the API's own message where there is one. It never holds our key."""
    try:
        message = str(response.json()["error"]["message"])
    except (ValueError, KeyError, TypeError):
        message = response.reason_phrase
    return f"{response.status_code} {' '.join(message.split())[:REASON_LENGTH]}"
