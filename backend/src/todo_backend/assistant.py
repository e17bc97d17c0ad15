"""The interface of an assistant: it reads a conversation, may call tools for the user, and replies."""

import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol

from todo_backend.tools import Tool, ToolResult, ToolServer, ToolsUnavailableError

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Turn:
    """A message of a conversation.

    Attributes:
        role: `user` or `assistant`.
        content: The text.
    """

    role: str
    content: str


@dataclass(frozen=True, slots=True)
class ToolCall:
    """A tool that was called.

    Attributes:
        tool: The name of the tool.
        arguments: The arguments, without the user's id.
        result: The result.
    """

    tool: str
    arguments: Mapping[str, Any]
    result: ToolResult


@dataclass(slots=True)
class UserTools:
    """The tools as one user may use them, with a record of the calls. There is one for each reply.

    Attributes:
        server: The server of the tools.
        user: The id of the user whose tasks the tools work on.
        calls: The calls so far, in order.
    """

    server: ToolServer
    user: str
    calls: list[ToolCall] = field(default_factory=list)

    async def available(self) -> Sequence[Tool]:
        """Return the tools that exist.

        Raises:
            ToolsUnavailableError: The server does not answer.
        """
        return await self.server.available()

    async def call(self, tool: str, arguments: Mapping[str, Any]) -> ToolResult:
        """Call a tool, and record the call.

        Raises:
            ToolsUnavailableError: The server does not answer.
        """
        result = await self.server.call(self.user, tool, arguments)
        self.calls.append(ToolCall(tool, arguments, result))
        return result


class ModelError(Exception):
    """The language model did not give a usable answer. The message is for the user, one sentence."""


class Assistant(Protocol):
    """Replies to users."""

    async def reply(self, conversation: Sequence[Turn], tools: UserTools) -> str:
        """Return the reply to the last turn, which is the user's.

        Raises:
            ToolsUnavailableError: The tools do not answer.
            ModelError: The language model does not.
        """


@dataclass(frozen=True, slots=True)
class ChatService:
    """Gives every chat message a reply.

    Attributes:
        assistant: Writes the replies.
        tools: The server of its tools.
    """

    assistant: Assistant
    tools: ToolServer

    async def reply(self, user: str, conversation: Sequence[Turn]) -> tuple[str, Sequence[ToolCall]]:
        """Return the reply, or a sentence that says why there is none, and the tool calls that were made."""
        tools = UserTools(self.tools, user)
        try:
            text = await self.assistant.reply(conversation, tools)
        except (ToolsUnavailableError, ModelError) as error:
            log.warning("The assistant cannot reply: %s", error)
            text = str(error)
        return _storable(text), tools.calls


def _storable(text: str) -> str:
    """Remove what a model may write but PostgreSQL cannot store: the character NUL and lone surrogates."""
    return text.replace("\0", "").encode("utf-8", "replace").decode()
