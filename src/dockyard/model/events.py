"""What happens, as one stream of typed events; the screen, the log and machines are its readers."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Event:
    """Something that happened to a subject.

    Attributes:
        subject: A service, an image or a part of the machine: what a reader groups lines by.
        stage: What is going on: a DeploymentState of the specification, or a verb for work outside a deployment.
        text: One line for people; may be empty.
        passing: Whether a later event replaces this one on a screen (a step of a build, a count).
    """

    subject: str
    stage: str
    text: str = ""
    passing: bool = False


Report = Callable[[Event], None]
"""Who is told of events. The caller chooses the reader; the work only calls it."""
