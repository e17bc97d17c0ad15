"""What a person sees of one command; the one door to standard output and standard error.

Results go to standard output, everything else (events, errors) to standard error, so that results can be piped. Events
are a board on a terminal, lines elsewhere and in CI, and with `--json` records on standard output. Colour only on a
terminal; NO_COLOR and TERM=dumb are honoured. Rich draws the board and is imported for it alone.
"""

from __future__ import annotations

import json
import os
import shutil
import sys
from contextlib import suppress
from typing import TYPE_CHECKING, Any, Protocol

from dockyard.ui.lines import STYLES, Lines
from dockyard.ui.ndjson import Ndjson
from dockyard.ui.stream import Stream
from dockyard.ui.table import table_lines
from dockyard.ui.terminal import has_colours, moves, painter
from dockyard.ui.words import clean_line, sentence

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence
    from typing import TextIO

    from rich.console import Console

    from dockyard.model.errors import DockyardError
    from dockyard.model.events import Event, Reader, Stamped
    from dockyard.model.redaction import Redactor
    from dockyard.tools.clock import Clock

WIDTH = 120
"""Columns where there is no terminal to ask."""


class EventReader(Protocol):
    """A reader of events that may hold the terminal."""

    def __call__(self, stamped: Stamped) -> None:
        """Show an event."""

    def close(self) -> None:
        """Leave the terminal as it was."""


class Screen:
    """What a person sees of one command."""

    def __init__(
        self,
        clock: Clock,
        *,
        out: TextIO | None = None,
        err: TextIO | None = None,
        console: Callable[[TextIO], Console] | None = None,
    ) -> None:
        """Make a screen.

        Args:
            clock: What the seconds since the start are told by.
            out: Standard output.
            err: Standard error.
            console: Makes rich's console of a terminal.
        """
        self._clock, self._start = clock, clock.now()
        self._given_out, self._given_err = out, err
        self._console = console or _console
        self._redactor: Redactor | None = None
        self._reader: EventReader | None = None
        self._stream: Stream | None = None
        self._own: _Own | None = None

    def reader(self, *, json: bool = False) -> EventReader:
        """Return the reader of events that suits: records, a board, or lines; always the same one."""
        if self._reader is None:
            self._reader = Ndjson(self._out) if json else self._board() or self._lines()
        return self._reader

    def hide(self, redactor: Redactor) -> None:
        """Take what a redactor knows, and what it learns, out of all that is printed and told from now on."""
        self._redactor = redactor

    def stream(self, *readers: Reader, json: bool = False, run: str = "") -> Stream:
        """Return the stream of the command's events: the screen reads it, and so do others that are given.

        From then on `report` is this stream.
        """
        self._own = _Own(self, json=json)
        self._stream = Stream(
            (self._own, *readers),
            clock=self._clock,
            start=self._start,
            redact=self._redact,
            redact_lines=self._redact_lines,
            run=run,
        )
        return self._stream

    def report(self, event: Event) -> None:
        """Tell the stream of an event; without one, show it."""
        stream = self._stream or self.stream()
        stream(event)

    def say(self, line: str) -> None:
        """Print a line of the result."""
        self._print(self._redact(line))

    def table(self, columns: Sequence[str], rows: Iterable[Sequence[object]], *, title: str = "") -> None:
        """Print an aligned table; a column of numbers stands to the right."""
        paint = painter(colours=has_colours(self._out, os.environ))
        cells = [[self._cell(cell) for cell in row] for row in rows]  # before a value is folded into its column
        head, *lines = table_lines([self._redact(column) for column in columns], cells, width=self.width)
        self._print("\n".join([*([self._redact(title)] if title else []), paint("bold", head), *lines]))

    def text(self, text: str) -> None:
        """Print text as it is: logs of a pod, say, which may begin in the middle of a value."""
        self._print("\n".join(self._redact_lines(text.removesuffix("\n").split("\n"))))

    def reveal(self, secret: str) -> None:
        """Print a secret that the command was asked for: the one thing that is not redacted."""
        self._settle()
        self._out.write(f"{secret}\n")
        self._out.flush()

    def data(self, value: object) -> None:
        """Print JSON for machines."""
        self._print(json.dumps(self._data(value), indent=2, default=str))

    def painted(self, lines: Iterable[tuple[str, str]]) -> None:
        """Print lines of the result, each with its style."""
        paint = painter(colours=has_colours(self._out, os.environ))
        for style, line in lines:
            self._print(paint(style, self._redact(line)))

    def error(self, error: DockyardError) -> None:
        """Print what happened, why, and what to do next."""
        self._settle()
        paint = painter(colours=has_colours(self._err, os.environ))
        parts = [part for part in (error.why, error.fix) if part]
        lines = [paint(STYLES["Failed"], self._told(f"{error.what.rstrip('.')}."))]
        lines += (f"  {self._told(sentence(part))}" for part in parts)
        self._write(self._err, "\n".join(lines))

    def bug(self, trace: str) -> None:
        """Print the traceback of an error that nobody foresaw; its message may hold anything, so it is redacted."""
        self._settle()
        told, said = self._redact_lines(trace.rstrip("\n").split("\n")), "This is a bug of Dockyard."
        if self._redactor:  # else none was read yet
            said += " Values of secrets were taken out of the lines above."
        self._write(self._err, "\n".join([*told, said]))

    def close(self) -> None:
        """Leave the terminal as it was; say what the screen itself could not show, where there is a way left."""
        self._settle()
        trouble = self._stream.troubles.pop(self._own, "") if self._stream and self._own else ""
        if trouble:
            with suppress(OSError):
                self._write(self._err, f"Warning: {sentence(trouble)}")

    @property
    def width(self) -> int:
        """How many columns a result may have."""
        return shutil.get_terminal_size((WIDTH, 24)).columns if self._out.isatty() else WIDTH

    @property
    def _out(self) -> TextIO:
        return self._given_out or sys.stdout

    @property
    def _err(self) -> TextIO:
        return self._given_err or sys.stderr

    def _redact(self, text: str) -> str:
        return self._redactor.redact(text) if self._redactor else text

    def _redact_lines(self, lines: Iterable[str]) -> tuple[str, ...]:
        return self._redactor.redact_log(lines) if self._redactor else tuple(lines)

    def _data(self, value: object) -> Any:  # noqa: ANN401 - what `Redactor.data` returns
        return self._redactor.data(value) if self._redactor else value

    def _cell(self, value: object) -> object:
        return self._data(value) if isinstance(value, int | float) else self._redact(str(value))

    def _told(self, text: str) -> str:
        return "\n".join(map(clean_line, self._redact(text).splitlines()))

    def _print(self, text: str) -> None:
        """Print text that is redacted already."""
        self._settle()
        self._write(self._out, text)

    @staticmethod
    def _write(file: TextIO, text: str) -> None:
        try:
            file.write(f"{text}\n")
        except UnicodeEncodeError:  # a stream in ASCII, say; nothing of the text was written yet
            file.write(f"{text}\n".encode(file.encoding, errors="replace").decode(file.encoding))
        file.flush()

    def _settle(self) -> None:
        if self._reader is not None:
            self._reader.close()

    def _lines(self) -> EventReader:
        return Lines(self._err, colours=has_colours(self._err, os.environ))

    def _board(self) -> EventReader | None:
        if not moves(self._err, os.environ):
            return None
        from dockyard.ui.board import Board  # noqa: PLC0415 - rich takes a tenth of a second

        return Board(self._console(self._err), self._clock)


class _Own:
    """The screen as a reader of its stream; what it shows events with is made for the first of them."""

    name = "the output"

    def __init__(self, screen: Screen, *, json: bool) -> None:
        self._screen, self._json = screen, json

    def __call__(self, stamped: Stamped) -> None:
        self._screen.reader(json=self._json)(stamped)


def _console(file: TextIO) -> Console:
    from rich.console import Console  # noqa: PLC0415 - the same

    return Console(file=file, highlight=False, emoji=False)
