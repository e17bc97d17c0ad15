"""The assistant without a model: a few fixed phrases, each of which is one call of a tool."""

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from todo_backend.assistant import Hands, Turn
from todo_backend.tasks import TITLE_LENGTH

HELP = (
    "I understand: “add buy milk”, “list”, “list open”, “list done”, “done 3”, “reopen 3”, “rename 3 to buy oat milk”,"
    " “delete 3”."
)

LISTED = 500
"""So many tasks list_tasks returns at most."""

NUMBER = r"(?:task |no\.? |number )?#?0*(?P<task_id>[1-9]\d{0,17})"


@dataclass(frozen=True, slots=True)
class Intent:
    """What a phrase asks for.

    Attributes:
        tool: The tool that does it.
        arguments: What the tool is given.
        said: Makes the reply from the tool's result.
    """

    tool: str
    arguments: Mapping[str, Any]
    said: Callable[[Any], str]


@dataclass(frozen=True, slots=True)
class Phrase:
    """A form of words.

    Attributes:
        pattern: What a whole message must match; its named groups are the tool's arguments.
        tool: The tool.
        said: Makes the reply from the tool's result.
        fixed: Arguments that follow from the form alone.
    """

    pattern: re.Pattern[str]
    tool: str
    said: Callable[[Any], str]
    fixed: Mapping[str, Any]


def _phrase(pattern: str, tool: str, said: Callable[[Any], str], **fixed: object) -> Phrase:
    return Phrase(re.compile(pattern, re.IGNORECASE | re.DOTALL), tool, said, fixed)


def _listed(tasks: Sequence[Mapping[str, Any]]) -> str:
    if not tasks:
        return "There are no such tasks."
    lines = [f"{task['id']}. {'☑' if task['completed'] else '☐'} {task['title']}" for task in tasks]
    return "\n".join(lines if len(lines) < LISTED else [*lines, f"… (the first {LISTED})"])


def _about(words: str) -> Callable[[Mapping[str, Any]], str]:
    return lambda task: words.format(id=task["id"], title=task["title"])


PHRASES = (
    _phrase(
        r"(?:please )?(?:add|new|create|remember|remind me to)(?: an?)?(?:(?: new)? task)?:? "
        r"(?!(?:(?:an? )?(?:new )?task|an?|new)[:.!?]*\s*$)(?P<title>.+)",
        "add_task",
        _about("Added {id}: {title}"),
    ),
    _phrase(r"(?:list|show)(?: me)?(?: (?:all|my|the|all my))?(?: tasks)?|tasks", "list_tasks", _listed),
    _phrase(
        r"(?:list|show)(?: me)?(?: (?:my|the))? (?:open|pending|undone)(?: tasks)?|what is (?:open|left)",
        "list_tasks",
        _listed,
        completed=False,
    ),
    _phrase(
        r"(?:list|show)(?: me)?(?: (?:my|the))? (?:done|completed|finished)(?: tasks)?",
        "list_tasks",
        _listed,
        completed=True,
    ),
    _phrase(rf"(?:done|complete|finish|finished|check) {NUMBER}", "complete_task", _about("Done: {title}")),
    _phrase(rf"(?:reopen|undo|uncheck) {NUMBER}", "update_task", _about("Open again: {title}"), completed=False),
    _phrase(rf"(?:delete|remove|drop) {NUMBER}", "delete_task", _about("Deleted: {title}")),
    _phrase(
        rf"(?:rename|change|update) {NUMBER}(?: to| as|:) (?P<title>.+)",
        "update_task",
        _about("Renamed {id}: {title}"),
    ),
)


def intent_of(message: str) -> Intent | None:
    """Return what a message asks for, or None where it is none of the phrases."""
    text = message.strip()
    for words in (text, text.rstrip("?!. ")):
        for phrase in PHRASES:
            if match := phrase.pattern.fullmatch(words):
                return Intent(phrase.tool, {**phrase.fixed, **_arguments(match)}, phrase.said)
    return None


def _arguments(match: re.Match[str]) -> dict[str, Any]:
    """Return the groups of a match as a tool takes them."""
    return {name: int(text) if name == "task_id" else text.strip() for name, text in match.groupdict().items()}


class PhraseBook:
    """An assistant that knows the phrases: the same words always do the same, with no key and no network."""

    async def answer(self, conversation: Sequence[Turn], hands: Hands) -> str:
        """Do what the last message asks for, and say so."""
        intent = intent_of(conversation[-1].content)
        if intent is None:
            return HELP
        if len(intent.arguments.get("title", "")) > TITLE_LENGTH:
            return f"A title has at most {TITLE_LENGTH} characters."
        outcome = await hands.call(intent.tool, intent.arguments)
        return str(outcome.result) if outcome.failed else intent.said(outcome.result)
