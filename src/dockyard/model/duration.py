"""Lengths of time, in whole seconds."""

import re
from typing import Annotated

from pydantic import BeforeValidator

from dockyard.model.errors import RuleError
from dockyard.model.rule import Rule

LONGEST = 24 * 3600
"""Seconds; nobody waits longer than a day, so a larger number is a slip."""

_TEXT = re.compile(r"(?=.)(?:(\d{1,6})h)?(?:(\d{1,6})m)?(?:(\d{1,6})s)?", re.ASCII)


def seconds(given: object) -> int:
    """Read a length of time: ``90``, ``90s``, ``2m``, ``1h30m``.

    Raises:
        RuleError: It is no length of time, zero, or more than a day.
    """
    if isinstance(given, int) and not isinstance(given, bool):
        length = given
    elif isinstance(given, str) and re.fullmatch(r"\d{1,6}", given, re.ASCII):
        length = int(given)
    elif isinstance(given, str) and (match := _TEXT.fullmatch(given)):
        hours, minutes, rest = (int(group or 0) for group in match.groups())
        length = 3600 * hours + 60 * minutes + rest
    else:
        raise RuleError(f"{str(given)[:40]!r} is not a length of time", why="It is written like 90, 90s, 2m or 1h30m")
    if not 0 < length <= LONGEST:
        raise RuleError(f"{str(given)[:40]!r} is not a length of time to wait", why="It must be 1 second to 24 hours")
    return length


Seconds = Annotated[
    int,
    BeforeValidator(seconds, json_schema_input_type=int | str),
    Rule(seconds, {"examples": [120, "120s", "2m"]}),
]
"""A length of time in whole seconds."""
