"""What happens, as one stream of typed events; the screen, the log, NDJSON and the journal are its readers.

An event says what happened; a reader is given it stamped with the time. `as_record` is the one form in which events are
written for machines: `docs/events.md` documents it, and SCHEMA is its version.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from datetime import datetime

    from dockyard.model.diagnosis import Diagnosis
    from dockyard.model.lifecycle import DeploymentState

REVISION = "revision "
"""How the text of a step begins that made a revision of a release; its number follows."""

SCHEMA = 1
"""Version of the records' form; raised when a member changes its meaning or goes, not when one is added."""


@dataclass(frozen=True, slots=True)
class Progress:
    """How far a piece of work is.

    Attributes:
        done: What is done.
        total: What there is to do; 0 where that is not known.
        unit: What is counted: `steps`, `MB`, `pods`.
    """

    done: float
    total: float
    unit: str


@dataclass(frozen=True, slots=True)
class Event:
    """Something that happened to a subject: a note, or where `passing`, progress.

    Attributes:
        subject: A service, an image or a part of the machine: what a reader groups lines by.
        stage: What is going on: a DeploymentState of the specification, or a verb for work outside a deployment.
        text: One line for people; may be empty.
        passing: Whether a later event replaces this one on a screen (a step of a build, a count).
        service: The release that it is about or done for; empty where it is for none.
        progress: How far the work is, where it can be counted.
    """

    subject: str
    stage: str
    text: str = ""
    passing: bool = False
    service: str = ""
    progress: Progress | None = None


@dataclass(frozen=True, slots=True)
class Began(Event):
    """A command began.

    Attributes:
        command: The task's name: deploy, rollback, destroy, secrets.rotate; others neither begin nor end.
        services: The releases it is about, in order.
    """

    command: str = ""
    services: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Step(Event):
    """A step of work on a service began or ended.

    Attributes:
        step: Its name: `build`, `load`, `release`, `rollback`, ...
        ended: Whether it ended; else it began.
        ok: Whether it ended well.
    """

    step: str = ""
    ended: bool = False
    ok: bool = True


@dataclass(frozen=True, slots=True)
class Move(Event):
    """A service went from one state of the specification to another; `stage` is the new one.

    Attributes:
        before: The state it was in; None where this is the first that is known.
    """

    before: DeploymentState | None = None


@dataclass(frozen=True, slots=True)
class FieldTakenOver(Event):
    """A release is about to overwrite a field that another field manager set.

    Attributes:
        object_kind: The kind of the object: Deployment.
        object_name: The name of the object.
        field: The path of the field as the API server writes it: `.spec.replicas`.
        manager: The field manager that set it: `kubectl-edit`.
        subresource: The subresource through which it was set, `scale`; empty for the object itself.
        autoscaler: The HorizontalPodAutoscaler that controls the field; empty if there is none.
    """

    object_kind: str = ""
    object_name: str = ""
    field: str = ""
    manager: str = ""
    subresource: str = ""
    autoscaler: str = ""


@dataclass(frozen=True, slots=True)
class Diagnosed(Event):
    """A rollout failed, and this is why.

    Attributes:
        diagnosis: Cause and evidence.
    """

    diagnosis: Diagnosis | None = None


@dataclass(frozen=True, slots=True)
class Ended(Event):
    """A command ended; `text` says in what state things are.

    Attributes:
        exit_code: What the process ends with.
    """

    exit_code: int = 0


@dataclass(frozen=True, slots=True)
class Stamped:
    """An event with its time.

    Attributes:
        run: What tells this command's events from those of others.
        event: What happened.
        at: When, in UTC.
        elapsed: Seconds since the command began, by a clock that never goes back.
    """

    run: str
    event: Event
    at: datetime
    elapsed: float


Report = Callable[[Event], None]
"""Who is told of events. The caller chooses the reader; the work only calls it."""

Reader = Callable[[Stamped], None]
"""Who reads the stream."""

_TYPES = {
    Event: "note",
    Began: "begin",
    Step: "step",
    Move: "move",
    FieldTakenOver: "takeover",
    Diagnosed: "cause",
    Ended: "end",
}


def type_of(event: Event) -> str:
    """Return the type of an event as records name it: note, progress, begin, step, move, takeover, cause or end."""
    return "progress" if event.passing else _TYPES[type(event)]


def as_record(stamped: Stamped) -> dict[str, Any]:
    """Return an event as JSON data, in the form that `docs/events.md` describes; empty members are left out."""
    given = asdict(stamped.event)
    del given["passing"]
    members = {_camel(name): value for name, value in given.items() if value not in ("", None, (), [])}
    return {
        "v": SCHEMA,
        "run": stamped.run,
        "time": stamped.at.isoformat(timespec="milliseconds").replace("+00:00", "Z"),
        "elapsed": round(stamped.elapsed, 3),
        "type": type_of(stamped.event),
        **members,
    }


def _camel(name: str) -> str:
    first, *rest = name.split("_")
    return first + "".join(word.capitalize() for word in rest)
