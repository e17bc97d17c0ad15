"""The one stream of a command's events: stamped, freed of secrets, handed to every reader in one order.

A reader that fails does not stop the work: a deploy must not end half-way because a disk is full or because whoever
read the output has gone. It is not passed over in silence either: the other readers are told once, in a warning, and
`troubles` keeps it, for the case that no other reader is there. It is given the next event all the same, since a disk
may have room again; it is not told of twice.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Mapping
from dataclasses import fields, is_dataclass, replace
from datetime import UTC, datetime
from enum import Enum
from threading import RLock
from typing import TYPE_CHECKING, Any, TypeVar

from dockyard.model.diagnosis import Evidence
from dockyard.model.events import Event, Stamped
from dockyard.tools.clock import SystemClock

if TYPE_CHECKING:
    from collections.abc import Sequence

    from dockyard.model.events import Reader
    from dockyard.tools.clock import Clock

Value = TypeVar("Value")

RedactLines = Callable[[Iterable[str]], tuple[str, ...]]
"""Takes secrets out of lines that follow each other."""

SUBJECT = "events"
"""The subject of warnings about readers."""


def as_it_is(text: str) -> str:
    """Return a text: the redaction of a command that knows no secrets."""
    return text


def one_by_one(redact: Callable[[str], str]) -> RedactLines:
    """Return what redacts each of several lines alone: the choice of whoever has nothing better."""
    return lambda lines: tuple(map(redact, lines))


def now() -> datetime:
    """Return the time, in UTC."""
    return datetime.now(UTC)


def new_run(at: datetime) -> str:
    """Return an id for a command that begins now: the second, and a random part for commands of the same second."""
    return f"{at.astimezone(UTC):%Y%m%dT%H%M%SZ}-{os.urandom(3).hex()}"


class Stream:
    """Where a command's events go; called as a `Report`, from any thread.

    Attributes:
        run: The id that each event of this command bears.
        troubles: What a reader failed with, a sentence for each that did.
    """

    def __init__(  # noqa: PLR0913 - each has a default that suits
        self,
        readers: Sequence[Reader],
        *,
        clock: Clock | None = None,
        wall: Callable[[], datetime] = now,
        start: float | None = None,
        run: str = "",
        redact: Callable[[str], str] = as_it_is,
        redact_lines: RedactLines | None = None,
    ) -> None:
        """Make a stream.

        Args:
            readers: Who reads it, in the order in which they are given each event.
            clock: What the seconds since the start are taken from.
            wall: What time it is; only read, never trusted for a duration.
            start: When the command began, by that clock; now by default.
            run: The command's id; a new one by default.
            redact: Takes secrets out of a text. What it raises is raised: nothing passes unredacted.
            redact_lines: The same for lines that follow each other, of which a value may go over several.
        """
        self.run = run or new_run(wall())
        self.troubles: dict[Reader, str] = {}
        self._readers = tuple(readers)
        self._clock, self._wall, self._redact = clock or SystemClock(), wall, redact
        self._redact_lines = redact_lines or one_by_one(redact)
        self._start = self._clock.now() if start is None else start
        # A signal's handler may report while the thread that it stopped does: the lock can be taken twice.
        self._lock = RLock()

    def __call__(self, event: Event) -> None:
        """Stamp an event and hand it to each reader."""
        with self._lock:
            self._hand(redacted(event, self._redact, self._redact_lines))

    def _hand(self, event: Event) -> None:
        stamped = Stamped(self.run, event, self._wall(), self._clock.now() - self._start)
        for reader in self._readers:
            try:
                reader(stamped)
            except Exception as error:  # noqa: BLE001 - a reader's bug or trouble is no reason to leave a rollout half-way
                self._tell(reader, error)

    def _tell(self, reader: Reader, error: Exception) -> None:
        if reader in self.troubles:
            return
        name = getattr(reader, "name", type(reader).__name__)
        trouble = self._redact(f"{name} is not complete: {_why(error)}")
        self.troubles[reader] = trouble
        self._hand(Event(SUBJECT, "Warning", trouble))


def _why(error: Exception) -> str:
    if isinstance(error, OSError) and error.strerror:
        return f"{error.filename}: {error.strerror}" if error.filename else error.strerror
    return str(error) or type(error).__name__


def redacted(value: Value, redact: Callable[[str], str], redact_lines: RedactLines | None = None) -> Value:
    """Return a value with every text in it redacted, in collections and dataclasses too; enumerations stay."""
    if redact is as_it_is:
        return value
    changed: Any = _redacted(value, redact, redact_lines or one_by_one(redact))
    return changed  # type: ignore[no-any-return] # of the same type, which no annotation of a recursion can say


def _redacted(value: Any, redact: Callable[[str], str], redact_lines: RedactLines) -> Any:  # noqa: ANN401 - whatever an event has in it
    if isinstance(value, str):
        return value if isinstance(value, Enum) else redact(value)
    if isinstance(value, tuple | list):
        changed = (_redacted(entry, redact, redact_lines) for entry in value)
        return list(changed) if isinstance(value, list) else tuple(changed)
    if isinstance(value, Mapping):
        return {_redacted(key, redact, redact_lines): _redacted(value[key], redact, redact_lines) for key in value}
    if isinstance(value, Evidence):  # lines of a log: a value may go over several, and its beginning may be cut off
        return replace(value, title=redact(value.title), lines=redact_lines(value.lines))
    if is_dataclass(value) and not isinstance(value, type):
        inner = {field.name: getattr(value, field.name) for field in fields(value)}
        return replace(value, **{name: _redacted(entry, redact, redact_lines) for name, entry in inner.items()})
    return value
