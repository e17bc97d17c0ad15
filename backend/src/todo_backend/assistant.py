"""What an assistant is: it reads a conversation, may use a user's tools, and answers."""

import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol

from todo_backend.tools import Outcome, Tool, Tools, ToolsDownError

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Turn:
    """One thing that was said.

    Attributes:
        role: `user` or `assistant`.
        content: The words.
    """

    role: str
    content: str


@dataclass(frozen=True, slots=True)
class Call:
    """A tool that was called.

    Attributes:
        tool: Its name.
        arguments: What it was given, without the user's id.
        outcome: What came of it.
    """

    tool: str
    arguments: Mapping[str, Any]
    outcome: Outcome


@dataclass(slots=True)
class Hands:
    """One user's tools, for the length of one answer.

    Attributes:
        tools: The tools.
        user: Whose tasks they work on.
        calls: What was called, in order.
    """

    tools: Tools
    user: str
    calls: list[Call] = field(default_factory=list)

    async def offered(self) -> Sequence[Tool]:
        """Return the tools there are.

        Raises:
            ToolsDownError: Nobody answers.
        """
        return await self.tools.offered()

    async def call(self, tool: str, arguments: Mapping[str, Any]) -> Outcome:
        """Call a tool, and keep what came of it.

        Raises:
            ToolsDownError: Nobody answers.
        """
        outcome = await self.tools.call(self.user, tool, arguments)
        self.calls.append(Call(tool, arguments, outcome))
        return outcome


class ModelError(Exception):
    """The model does not answer, or not as it should; the text is for the user, one sentence."""


class Assistant(Protocol):
    """Something that answers."""

    async def answer(self, conversation: Sequence[Turn], hands: Hands) -> str:
        """Return the reply to the last turn, which is the user's.

        Raises:
            ToolsDownError: The tools do not answer.
            ModelError: The model does not.
        """


@dataclass(frozen=True, slots=True)
class Desk:
    """Where users are answered.

    Attributes:
        assistant: Who answers.
        tools: What it works with.
    """

    assistant: Assistant
    tools: Tools

    async def reply(self, user: str, conversation: Sequence[Turn]) -> tuple[str, Sequence[Call]]:
        """Return the reply, or the sentence that says why there is none, and what was done for it."""
        hands = Hands(self.tools, user)
        try:
            words = await self.assistant.answer(conversation, hands)
        except (ToolsDownError, ModelError) as error:
            log.warning("No answer: %s", error)
            words = str(error)
        return _storable(words), hands.calls


def _storable(words: str) -> str:
    """Return words without what a model can say and PostgreSQL cannot keep: NUL, and halves of a character."""
    return words.replace("\0", "").encode("utf-8", "replace").decode()
