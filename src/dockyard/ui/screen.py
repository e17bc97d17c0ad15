"""The one place that prints.

Results go to standard output, everything else (progress, errors) to standard error, so that `--json` can be piped. On a
terminal a passing event is one line that the next one replaces; elsewhere it is left out, but for a sign of life now
and then. Colour only on a terminal; NO_COLOR and TERM=dumb are honoured by rich.
"""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING

from rich.console import Console
from rich.markup import escape
from rich.status import Status
from rich.table import Table

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from dockyard.model.errors import DockyardError
    from dockyard.model.events import Event
    from dockyard.tools.clock import Clock

NUMBER = re.compile(r"[\d.,/]+")

SIGN_OF_LIFE = 10.0
"""Seconds after which a log without a terminal repeats what is going on."""

STYLES = {
    "Ready": "green",
    "Failed": "red",
    "Unchanged": "dim",
    "Refused": "red",
}

WIDTH = 120
"""Columns where there is no terminal to ask."""


class Screen:
    """What a person sees of one command."""

    def __init__(self, clock: Clock, *, out: Console | None = None, err: Console | None = None) -> None:
        self._out = out or _console(stderr=False)
        self._err = err or _console(stderr=True)
        self._clock = clock
        self._start = self._last = clock.now()
        self._status: Status | None = None

    def report(self, event: Event) -> None:
        """Show an event."""
        line = self._line(event)
        if not event.passing:
            self._settle()
            self._err.print(line, soft_wrap=True)
        elif self._err.is_interactive:
            self._spin(line)
            return
        elif self._clock.now() - self._last >= SIGN_OF_LIFE:
            self._err.print(line, soft_wrap=True)
        else:
            return
        self._last = self._clock.now()

    def say(self, sentence: str) -> None:
        """Print a line of the result."""
        self._settle()
        self._out.print(escape(sentence), soft_wrap=True)

    def table(self, columns: Sequence[str], rows: Iterable[Sequence[object]], *, title: str = "") -> None:
        """Print an aligned table; a column of numbers stands to the right."""
        self._settle()
        cells = [[str(cell) for cell in row] for row in rows]
        table = Table(title=escape(title) or None, title_justify="left", box=None, pad_edge=False, header_style="bold")
        for index, column in enumerate(columns):
            column_cells = [row[index] for row in cells if row[index] != "-"]
            numbers = bool(column_cells) and all(NUMBER.fullmatch(cell) for cell in column_cells)
            table.add_column(escape(column), justify="right" if numbers else "left", overflow="fold")
        for row in cells:
            table.add_row(*map(escape, row))
        self._out.print(table)

    def text(self, text: str) -> None:
        """Print text as it is: logs of a pod, say."""
        self._settle()
        self._out.out(text, highlight=False, end="" if text.endswith("\n") else "\n")

    def data(self, value: object) -> None:
        """Print JSON for machines."""
        self._settle()
        self._out.out(json.dumps(value, indent=2, default=str), highlight=False)

    def error(self, error: DockyardError) -> None:
        """Print what happened, why, and what to do next."""
        self._settle()
        self._err.print(f"[red]{escape(error.what.rstrip('.'))}.[/red]", soft_wrap=True)
        for part in (error.why, error.fix):
            if part:
                self._err.print(f"  {escape(_sentence(part))}", soft_wrap=True)

    def close(self) -> None:
        """Leave the terminal as it was."""
        self._settle()

    def _line(self, event: Event) -> str:
        gone = f"{self._clock.now() - self._start:6.1f} s"
        style = STYLES.get(event.stage, "cyan")
        return (
            f"[dim]{gone}[/dim]  {escape(event.subject):<17} [{style}]{event.stage:<11}[/{style}] {escape(event.text)}"
        )

    def _spin(self, line: str) -> None:
        if self._status is None:
            self._status = Status(line, console=self._err)
            self._status.start()
        else:
            self._status.update(line)

    def _settle(self) -> None:
        if self._status is not None:
            self._status.stop()
            self._status = None


def _console(*, stderr: bool) -> Console:
    # No emoji: rich would make a picture of `:key:` in what a program said.
    width = None if Console(stderr=stderr).is_terminal else WIDTH
    return Console(stderr=stderr, width=width, highlight=False, emoji=False)


def _sentence(text: str) -> str:
    return text if text.endswith((".", "?", "!", "\n")) else f"{text}."
