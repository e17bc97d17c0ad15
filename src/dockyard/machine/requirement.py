"""What the machine must have, one value each."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class Step(StrEnum):
    """What is done to meet a requirement."""

    NOTHING = "nothing"
    INSTALL_ENGINE = "install the engine"
    START_ENGINE = "start the engine"
    INSTALL_BUILDX = "install buildx"
    FETCH = "fetch"


@dataclass(frozen=True, slots=True)
class Requirement:
    """Something that the machine must have.

    Attributes:
        name: What it is: `docker engine`, `helm`.
        wanted: What is asked for, as people read it.
        found: What is there: a version, or None.
        ok: Whether that will do.
        action: What would be or was done; where ``step`` is nothing, what the user has to do; empty where it is met.
        step: What `apply` does for it.
    """

    name: str
    wanted: str
    found: str | None
    ok: bool
    action: str = ""
    step: Step = Step.NOTHING
