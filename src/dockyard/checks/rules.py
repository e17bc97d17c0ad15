"""What breaks the rules of the model, as checks say it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from pydantic import ValidationError

from dockyard.model.errors import RuleError

if TYPE_CHECKING:
    from collections.abc import Iterator

    from dockyard.model.entity import Entity


@dataclass(frozen=True, slots=True)
class Breach:
    """A rule that is broken.

    Attributes:
        path: The keys that lead to it, dotted.
        message: What is wrong there.
        ours: Whether the rule is one of the model's own; else a type is wrong, or a key missing or unknown.
    """

    path: str
    message: str
    ours: bool


def breaches(model: type[Entity], given: object) -> Iterator[Breach]:
    """Yield each rule of an entity that something breaks."""
    try:
        model.model_validate(given)
    except ValidationError as error:
        for line in error.errors(include_url=False, include_input=False):
            path, rule = ".".join(map(str, line["loc"])), line.get("ctx", {}).get("error")
            if isinstance(rule, RuleError):
                yield Breach(path, lower(": ".join(part for part in (rule.what, rule.why) if part)), ours=True)
            else:
                yield Breach(path, lower(line["msg"]), ours=False)


def lower(sentence: str) -> str:
    """Return a sentence as messages begin: in lower case."""
    return sentence[:1].lower() + sentence[1:]
