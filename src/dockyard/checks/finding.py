"""What a check is, and what it finds."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from dockyard.checks.subject import Subject


class Severity(StrEnum):
    """How bad a finding is."""

    ERROR = "error"
    """The release cannot start, or would break a promise of the specification: a deploy is refused."""

    WARNING = "warning"
    """It works today and will hurt: `nox -s lint` fails on it, a deploy goes on."""


@dataclass(frozen=True, slots=True)
class Place:
    """Where something stands.

    Attributes:
        file: Path below the project's root; for a rendered object the chart's template.
        path: Keys that lead to it, dotted, with the object in front: `Deployment/web: spec.replicas`.
        line: Line in the file, from 1; 0 where only the file is known.
        release: The release it belongs to, where the file alone does not say so: two releases may share a chart.
    """

    file: str
    path: str = ""
    line: int = 0
    release: str = ""

    def __str__(self) -> str:
        """Return `file:line: path`, without the parts that are not known."""
        where = f"{self.file}:{self.line}" if self.line else self.file
        return f"{where}: {self.path}" if self.path else where


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that is wrong.

    Attributes:
        check: The id of the check.
        severity: How bad it is.
        place: Where it stands.
        message: What is wrong there, one sentence with names and values; never the value of a secret.
        release: The release it concerns; empty for images and the project itself.
    """

    check: str
    severity: Severity
    place: Place
    message: str
    release: str = ""


Hit = tuple[Place, str]
"""What the body of a check yields: a place and the sentence about it."""

Body = Callable[["Subject"], Iterator[Hit]]
"""What a check does."""


@dataclass(frozen=True, slots=True)
class Check:
    """A check.

    Attributes:
        id: `DY` and three digits; never used again for something else.
        title: What must hold, a few words.
        severity: How bad a breach is.
        why: Why it matters, one or two sentences.
        fix: How to mend it, one sentence.
        body: Yields each breach in a subject.
    """

    id: str
    title: str
    severity: Severity
    why: str
    fix: str
    body: Body
