"""The assistant with a language model, over the Chat Completions API, which many services and local servers offer."""

import asyncio
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import httpx2
from pydantic import BaseModel, ConfigDict, Field, ValidationError
from pydantic_core import from_json

from todo_backend.assistant import ModelError, Turn, UserTools
from todo_backend.tools import Tool

MAX_ROUNDS = 6
"""How many times in a row a model may request tool calls before it must reply."""

INSTRUCTIONS = (
    "You keep the user's to-do list with the tools. Find a task's id with list_tasks before you change it. Never "
    "invent tasks. Answer in the user's language, in one or two short sentences, and say what you changed."
)

REASON_LENGTH = 200


class RequestedFunction(BaseModel):
    """The function of a requested call; its arguments are JSON in a string."""

    name: str
    arguments: str = "{}"


class RequestedCall(BaseModel):
    """A tool call that the model requests."""

    id: str
    function: RequestedFunction


class ModelMessage(BaseModel):
    """A message of the model: text, a refusal, or requested tool calls."""

    model_config = ConfigDict(extra="ignore")

    content: str | None = None
    refusal: str | None = None
    tool_calls: list[RequestedCall] | None = None


class Choice(BaseModel):
    """One of the alternative messages in a response."""

    message: ModelMessage


class Completion(BaseModel):
    """The parts of a response that are used."""

    choices: list[Choice] = Field(min_length=1)


@dataclass(frozen=True, slots=True)
class LanguageModel:
    """An assistant whose replies and tool calls are those of a language model.

    Attributes:
        http: The HTTP client.
        url: Base URL of the API.
        key: API key.
        model: Name of the model.
        seconds: Time limit of a whole reply, including tool calls.
    """

    http: httpx2.AsyncClient
    url: str
    key: str = field(repr=False)
    model: str
    seconds: float

    async def reply(self, conversation: Sequence[Turn], tools: UserTools) -> str:
        """Return the model's reply, after the tool calls that it requested."""
        try:
            async with asyncio.timeout(self.seconds):
                return await self._converse(conversation, tools)
        except TimeoutError as error:
            raise ModelError(f"The language model took longer than {self.seconds:g} s; please try again") from error

    async def _converse(self, conversation: Sequence[Turn], tools: UserTools) -> str:
        functions = [_function(tool) for tool in await tools.available()]
        messages: list[dict[str, Any]] = [{"role": "system", "content": INSTRUCTIONS}]
        messages += [{"role": turn.role, "content": turn.content} for turn in conversation]
        for _ in range(MAX_ROUNDS):
            message = await self._complete(messages, functions)
            if not message.tool_calls:
                return _text(message, tools)
            messages.append({"role": "assistant", "content": message.content, **_with_type(message.tool_calls)})
            for call in message.tool_calls:
                content = await _execute(call, tools)
                messages.append({"role": "tool", "tool_call_id": call.id, "content": content})
        message = await self._complete(messages, functions, tool_choice="none")
        if message.tool_calls:
            raise ModelError("The language model did not come to an answer; please say it in another way")
        return _text(message, tools)

    async def _complete(
        self, messages: Sequence[Mapping[str, Any]], functions: Sequence[Mapping[str, Any]], **options: object
    ) -> ModelMessage:
        try:
            response = await self.http.post(
                f"{self.url}/chat/completions",
                headers={"Authorization": f"Bearer {self.key}"},
                json={"model": self.model, "messages": messages, "tools": functions, **options},
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


def _text(message: ModelMessage, tools: UserTools) -> str:
    """Return the text or refusal of a message; after tool calls a model may be silent, which means "Done."."""
    text = message.content or message.refusal or ("Done." if tools.calls else "")
    if not text:
        raise ModelError("The language model gave no answer; please try again")
    return text


def _function(tool: Tool) -> dict[str, Any]:
    """Describe a tool as the API requires it."""
    function = {"name": tool.name, "description": tool.description, "parameters": tool.parameters}
    return {"type": "function", "function": function}


def _with_type(calls: Sequence[RequestedCall]) -> dict[str, Any]:
    """Repeat requested calls as the API requires it: each with a type."""
    return {"tool_calls": [{"type": "function", **call.model_dump()} for call in calls]}


async def _execute(call: RequestedCall, tools: UserTools) -> str:
    """Call a tool, and return its result as text. The model gets its own mistakes as a result too, to correct them."""
    names = [tool.name for tool in await tools.available()]
    if call.function.name not in names:
        return f"There is no tool {call.function.name!r}, only {', '.join(names)}"
    try:
        # Stricter than json.loads(): text that cannot be sent on, or is nested too deeply, is an error here.
        arguments = from_json(call.function.arguments or "{}", allow_inf_nan=False)
    except ValueError as error:
        return f"The arguments are not JSON: {error}"
    if not isinstance(arguments, dict):
        return "The arguments are not a JSON object"
    result = await tools.call(call.function.name, arguments)
    return result.content if result.failed else json.dumps(result.content, ensure_ascii=False)


def _reason(response: httpx2.Response) -> str:
    """Return the reason of an error response: the message of the API if there is one. It never contains the key."""
    try:
        message = str(response.json()["error"]["message"])
    except (ValueError, KeyError, TypeError):
        message = response.reason_phrase
    return f"{response.status_code} {' '.join(message.split())[:REASON_LENGTH]}"
