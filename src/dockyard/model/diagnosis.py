"""Why a rollout failed, as facts: what the screen shows, the journal keeps and machines read."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum


class CauseKind(StrEnum):
    """What kind of thing keeps pods from becoming Ready; the values are part of the documented event schema."""

    IMAGE_NOT_FOUND = "ImageNotFound"
    INVALID_IMAGE_NAME = "InvalidImageName"
    CONFIG_ERROR = "ConfigError"
    START_ERROR = "StartError"
    CRASH_LOOP = "CrashLoop"
    OUT_OF_MEMORY = "OutOfMemory"
    UNSCHEDULABLE = "Unschedulable"
    QUOTA = "Quota"
    ADMISSION = "Admission"
    PROGRESS_DEADLINE = "ProgressDeadline"
    PROBE = "Probe"
    REFUSED = "Refused"
    TIMEOUT = "Timeout"


@dataclass(frozen=True, slots=True)
class Cause:
    """Why a rollout cannot succeed.

    Attributes:
        kind: What kind of cause it is.
        sentence: The cause for people, one sentence without its full stop.
        terminal: Whether waiting is of no use. Any other ends a rollout once it has stood for the release's grace.
        pod: The pod that shows it; empty where there is none.
        container: The container; empty where the pod never got so far.
        compared: What was asked for against what there is, one line; empty where nothing is compared.
        event: The event of the cluster that decided, one line.
        fix: What to do next, one sentence without its full stop.
    """

    kind: CauseKind
    sentence: str
    terminal: bool = True
    pod: str = ""
    container: str = ""
    compared: str = ""
    event: str = ""
    fix: str = ""


@dataclass(frozen=True, slots=True)
class Evidence:
    """What a container wrote before its pod went away.

    Attributes:
        title: Whose lines they are: pod, container, and which run.
        lines: Its last lines, oldest first.
    """

    title: str
    lines: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Diagnosis:
    """A cause with its evidence, gathered before anything is taken back.

    Attributes:
        release: The release that failed.
        cause: Why.
        evidence: The last lines of the container that shows it, and those of its previous run.
    """

    release: str
    cause: Cause
    evidence: tuple[Evidence, ...] = field(default=())
