"""Events as lines of a log: for a CI run, a pipe, a terminal that can do no more.

Each line has the time in UTC, the seconds since the command began, the subject, the stage and a text; it is neither
wrapped nor cut, so that a log can be searched by lines. Passing events are left out, but for a sign of life now and
then.
"""

from __future__ import annotations

from datetime import UTC
from typing import TYPE_CHECKING, Protocol

from dockyard.model.events import Began, Diagnosed, Move, Step
from dockyard.model.lifecycle import DeploymentState
from dockyard.ui.explain import explain
from dockyard.ui.terminal import painter
from dockyard.ui.words import amount, clean, duration

if TYPE_CHECKING:
    from collections.abc import Callable

    from dockyard.model.events import Event, Stamped

SIGN_OF_LIFE = 10.0
"""Seconds after which a log repeats what is going on."""

MOMENT = 0.1
"""Seconds; a step that took no longer and has nothing to say is no line."""

STYLES = {
    "Ready": "green",
    "Done": "green",
    "Failed": "red",
    "Refused": "red",
    "Warning": "yellow",
    "Unchanged": "dim",
}
"""Colours of stages; any other is work in progress."""

BUSY = "cyan"

INDENT = "  "
"""What stands before the lines of an explanation."""


class Writing(Protocol):
    """What lines need of a file."""

    def write(self, text: str, /) -> object:
        """Take text."""

    def flush(self) -> object:
        """Let it be seen."""


class Lines:
    """A reader that writes lines."""

    name = "the output"

    def __init__(self, file: Writing, *, colours: bool = False, board: Callable[[], int] | None = None) -> None:
        """Make a reader.

        Args:
            file: Where the lines go, an event's in one write.
            colours: Whether they are coloured.
            board: Tells how wide the terminal is, where a board stands below: its lines are read now, so that they
                have no time by the wall, and explanations are folded.
        """
        self._file, self._paint, self._board = file, painter(colours=colours), board
        self._last = 0.0
        self._began: dict[tuple[str, str], float] = {}

    def __call__(self, stamped: Stamped) -> None:
        """Write an event, where it is worth a line."""
        event = stamped.event
        if event.passing and stamped.elapsed - self._last < SIGN_OF_LIFE:
            return
        text = self._step(event, stamped.elapsed) if isinstance(event, Step) else _text(event)
        if text is None or _is_explained_next(event):
            return
        self._last = stamped.elapsed
        told = [self._line(stamped, text)]
        if isinstance(event, Diagnosed) and event.diagnosis is not None:
            width = self._board() - len(INDENT) - 1 if self._board else 0
            told += (f"{INDENT}{self._paint(style, line)}" for style, line in explain(event.diagnosis, width=width))
        self._file.write("\n".join([*told, ""]))
        self._file.flush()

    def close(self) -> None:
        """Do nothing: each line stands when it is written."""

    def _line(self, stamped: Stamped, text: str) -> str:
        event = stamped.event
        at = f"{stamped.at.astimezone(UTC):%H:%M:%SZ} " if self._board is None else ""
        gone = f"{stamped.elapsed:6.1f} s"
        stage = f"{clean(event.stage):<{11 if text else 0}}"
        stage = self._paint(STYLES.get(event.stage, BUSY), stage)
        return f"{self._paint('dim', f'{at}{gone}')}  {clean(event.subject):<17} {stage} {text}".rstrip()

    def _step(self, event: Step, elapsed: float) -> str | None:
        """Return what to say of a step: that it ended and how long it took; its begin only where it has a text."""
        key = event.service or event.subject, event.step
        if not event.ended:
            self._began[key] = elapsed
            return clean(event.text) or None
        took = elapsed - self._began.pop(key, elapsed)
        if event.ok and not event.text and took < MOMENT:
            return None
        name = "" if event.stage == event.step else f"{event.step} "
        how = "took" if event.ok else "failed after"
        return f"{name}{how} {duration(took)}{': ' if event.text else ''}{clean(event.text)}"


def _is_explained_next(event: Event) -> bool:
    """Tell whether a move needs no line: one to Failed that says nothing is followed by its diagnosis."""
    return isinstance(event, Move) and event.stage == DeploymentState.FAILED and not event.text


def _text(event: Event) -> str:
    if isinstance(event, Diagnosed) and event.diagnosis is not None:
        return ""  # the explanation begins with it
    if isinstance(event, Began):
        return clean(", ".join(event.services))
    done = amount(event.progress) if event.progress else ""
    return "  ".join(part for part in (done, clean(event.text)) if part)
