"""The assistant without a language model: it understands a few phrases, each of which is one tool call."""

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from todo_backend.assistant import Turn, UserTools
from todo_service.fields import TITLE_LENGTH

HELP = (
    "I understand: “add buy milk”, “list”, “list open”, “list done”, “done 3”, “reopen 3”, “rename 3 to buy oat milk”,"
    " “delete 3”."
)

MOST_LISTED = 500
"""The most tasks that list_tasks returns."""

NUMBER = r"(?:task |no\.? |number )?#?0*(?P<task_id>[1-9]\d{0,17})"


@dataclass(frozen=True, slots=True)
class Intent:
    """The tool call that a message asks for.

    Attributes:
        tool: The name of the tool.
        arguments: The arguments of the call.
        reply: Makes the reply from the result.
    """

    tool: str
    arguments: Mapping[str, Any]
    reply: Callable[[Any], str]


@dataclass(frozen=True, slots=True)
class Phrase:
    """A phrase, and the tool call that it means.

    Attributes:
        pattern: Matches the whole message; its named groups are arguments of the call.
        tool: The name of the tool.
        reply: Makes the reply from the result.
        fixed: Further arguments.
    """

    pattern: re.Pattern[str]
    tool: str
    reply: Callable[[Any], str]
    fixed: Mapping[str, Any]


def _phrase(pattern: str, tool: str, reply: Callable[[Any], str], **fixed: object) -> Phrase:
    return Phrase(re.compile(pattern, re.IGNORECASE | re.DOTALL), tool, reply, fixed)


def _task_list(tasks: Sequence[Mapping[str, Any]]) -> str:
    if not tasks:
        return "There are no such tasks."
    lines = [f"{task['id']}. {'☑' if task['completed'] else '☐'} {task['title']}" for task in tasks]
    return "\n".join(lines if len(lines) < MOST_LISTED else [*lines, f"… (the first {MOST_LISTED})"])


def _task_reply(template: str) -> Callable[[Mapping[str, Any]], str]:
    return lambda task: template.format(id=task["id"], title=task["title"])


PHRASES = (
    _phrase(
        r"(?:please )?(?:add|new|create|remember|remind me to)(?: an?)?(?:(?: new)? task)?:? "
        r"(?!(?:(?:an? )?(?:new )?task|an?|new)[:.!?]*\s*$)(?P<title>.+)",
        "add_task",
        _task_reply("Added {id}: {title}"),
    ),
    _phrase(r"(?:list|show)(?: me)?(?: (?:all|my|the|all my))?(?: tasks)?|tasks", "list_tasks", _task_list),
    _phrase(
        r"(?:list|show)(?: me)?(?: (?:my|the))? (?:open|pending|undone)(?: tasks)?|what is (?:open|left)",
        "list_tasks",
        _task_list,
        completed=False,
    ),
    _phrase(
        r"(?:list|show)(?: me)?(?: (?:my|the))? (?:done|completed|finished)(?: tasks)?",
        "list_tasks",
        _task_list,
        completed=True,
    ),
    _phrase(rf"(?:done|complete|finish|finished|check) {NUMBER}", "complete_task", _task_reply("Done: {title}")),
    _phrase(rf"(?:reopen|undo|uncheck) {NUMBER}", "update_task", _task_reply("Open again: {title}"), completed=False),
    _phrase(rf"(?:delete|remove|drop) {NUMBER}", "delete_task", _task_reply("Deleted: {title}")),
    _phrase(
        rf"(?:rename|change|update) {NUMBER}(?: to| as|:) (?P<title>.+)",
        "update_task",
        _task_reply("Renamed {id}: {title}"),
    ),
)


def intent_of(message: str) -> Intent | None:
    """Return the intent of a message, or None if no phrase matches."""
    text = message.strip()
    for candidate in (text, text.rstrip("?!. ")):
        for phrase in PHRASES:
            if match := phrase.pattern.fullmatch(candidate):
                return Intent(phrase.tool, {**phrase.fixed, **_arguments(match)}, phrase.reply)
    return None


def _arguments(match: re.Match[str]) -> dict[str, Any]:
    """Return the named groups of a match as arguments of a tool."""
    return {name: int(text) if name == "task_id" else text.strip() for name, text in match.groupdict().items()}


class PhraseBook:
    """An assistant that understands the phrases. It needs no API key and no network."""

    async def reply(self, conversation: Sequence[Turn], tools: UserTools) -> str:
        """Make the tool call that the last message asks for, and return the reply."""
        intent = intent_of(conversation[-1].content)
        if intent is None:
            return HELP
        if len(intent.arguments.get("title", "")) > TITLE_LENGTH:
            return f"A title has at most {TITLE_LENGTH} characters."
        result = await tools.call(intent.tool, intent.arguments)
        return str(result.content) if result.failed else intent.reply(result.content)
