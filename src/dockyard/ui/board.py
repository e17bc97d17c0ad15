"""Events as a live board on a terminal: a row a service, what lasts above it, the time below.

A row has the service's state and how long it is in it, how far the work is that runs for it, and what was said last.
What is about no service (the cluster, the database), warnings and causes scroll above the board as lines of a log do.
The board is drawn six times a second by rich's own thread, from values that are replaced and never changed; events
only replace values. When it is closed it stays as it was drawn last, with every row.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from rich.cells import cell_len, set_cell_size
from rich.console import Group
from rich.live import Live
from rich.text import Text

from dockyard.model.events import Began, Diagnosed, Ended
from dockyard.ui.lines import BUSY, STYLES, Lines
from dockyard.ui.rows import RESTING, WAITING, Row, after, fitting, going, summary
from dockyard.ui.words import amount, clean, duration

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from rich.console import Console, RenderableType

    from dockyard.model.events import Event, Progress, Stamped
    from dockyard.tools.clock import Clock

REFRESH = 6.0
"""Times a second that the board is drawn."""

SPINNER = "⠋⠙⠹⠸⠼⠴⠦⠧⠇⠏"

MARKS = {"Failed": "✗", "Refused": "✗", "Ready": "✓", "Unchanged": "✓"}
PLAIN_MARKS = {"Failed": "x", "Refused": "x", "Ready": "+", "Unchanged": "+"}
"""Marks of states that rest, and the same in ASCII; any other has a dot."""

UNICODE = frozenset({"utf-8", "utf8", "utf-16", "utf-32"})

BAR = 10
"""Columns of a bar of progress."""

WIDE = 90
"""Columns from which on there are bars."""

LONGEST = 24
"""Columns of a name at most; a third of the terminal where that is less."""

TIME = 11
"""Columns of a time: `2 m 03 s`, `at 59 m 59 s` is the longest but one."""

STATE = 10
"""Columns of a state: `Installing`."""

FRAME = 2
"""Lines around the rows: a free one above them, and the time below."""

OTHERS = 6
"""Passing events about no service that are shown, the last ones."""


class Board:
    """A reader that draws."""

    name = "the board"

    def __init__(self, console: Console, clock: Clock, *, refresh: float = REFRESH) -> None:
        """Make a board that appears with the first thing that it has to show.

        Args:
            console: The terminal.
            clock: What times between events are told by.
            refresh: Times a second that it is drawn; 0 for never by itself.
        """
        self._console, self._clock, self._refresh = console, clock, refresh
        colours = console.color_system is not None and not console.no_color
        self._log = Lines(_Above(console), colours=colours, board=lambda: console.width)
        self._services: dict[str, Row] = {}
        self._others: dict[str, Row] = {}
        self._start, self._closing = clock.now(), False
        self._end: Ended | None = None
        self._live: Live | None = None

    def __call__(self, stamped: Stamped) -> None:
        """Take an event in."""
        event = stamped.event
        self._start = self._clock.now() - stamped.elapsed
        if isinstance(event, Began):
            self._services = {name: Row(name) for name in event.services}
        elif isinstance(event, Ended):
            self._end = event
        elif event.service:
            row = self._services.get(event.service) or Row(event.service, since=stamped.elapsed)
            self._services = {**self._services, row.name: after(row, stamped)}
        if _lasts(event):
            self._others = {name: row for name, row in self._others.items() if name != event.subject}
            self._log(stamped)
        elif event.passing and not event.service:
            self._others = {**self._others, event.subject: going(self._others.get(event.subject), stamped)}
        if self._live is None and (self._services or self._others):
            self._open()

    def close(self) -> None:
        """Leave the terminal with the board as it is, and nothing that moves."""
        live, self._live = self._live, None
        if live is None:
            return
        self._others, self._closing = {}, True
        live.transient = not self._services
        live.stop()
        if self._services:
            self._console.line()
        self._services, self._end, self._closing = {}, None, False

    def draw(self) -> RenderableType:
        """Return the board as it is now: as high as the terminal is, or whole when it is drawn for the last time."""
        size = self._console.size
        services, others = tuple(self._services.values()), tuple(self._others.values())
        if self._closing and not services:
            return ""
        height = len(services) + FRAME if self._closing else size.height - 1
        lines = Drawing(
            size.width,
            self._clock.now() - self._start,
            plain=self._console.encoding not in UNICODE,
            still=self._closing,
        )
        return Group(*lines.board(services, others, end=self._end, height=height))

    def _open(self) -> None:
        self._live = Live(
            console=self._console,
            get_renderable=self.draw,
            auto_refresh=self._refresh > 0,
            refresh_per_second=self._refresh or REFRESH,
            redirect_stdout=False,
            redirect_stderr=False,
        )
        self._live.start()


def _lasts(event: Event) -> bool:
    """Tell whether an event is a line above the board: a service's own are in its row, but for those to be kept."""
    if event.passing or isinstance(event, Began | Ended):
        return False
    return not event.service or isinstance(event, Diagnosed) or event.stage == "Warning"


class _Above:
    """A file whose lines come to stand above what is drawn."""

    def __init__(self, console: Console) -> None:
        self._console = console

    def write(self, text: str) -> None:
        """Print lines, whole; the terminal wraps what is too long."""
        self._console.print(Text.from_ansi(text.rstrip("\n")), soft_wrap=True)

    def flush(self) -> None:
        """Do nothing: what is printed is seen."""


@dataclass(frozen=True, slots=True)
class Drawing:
    """How a board is drawn at one moment.

    Attributes:
        width: Columns of the terminal.
        now: Seconds since the command began.
        plain: Whether the terminal knows ASCII alone.
        still: Whether it is drawn for the last time: nothing moves any more, and what was not done stays so.
    """

    width: int
    now: float
    plain: bool = False
    still: bool = False

    def board(
        self, services: Sequence[Row], others: Sequence[Row], *, end: Ended | None, height: int
    ) -> Iterator[Text]:
        """Yield the lines of a board, no more than there is room for and none longer than the terminal is wide."""
        others = others[-OTHERS:]
        shown = fitting(services, max(1, height - FRAME - len(others)))
        name = min(LONGEST, self.width // 3, max((cell_len(row.name) for row in (*shown, *others)), default=0))
        yield Text()
        for row in (*shown, *others):
            yield self._row(row, name)
        hidden = [row for row in services if row not in shown]
        if hidden:
            yield self._cut(Text(f"  {self._or('…', '...')} {len(hidden)} more: {summary(hidden)}", style="dim"))
        yield self._foot(services, end)

    def _row(self, row: Row, name: int) -> Text:
        style = _style(row)
        line = Text(no_wrap=True)
        line.append(f"{self._mark(row)} ", style=style)
        line.append(
            set_cell_size(clean(row.name), name), style="" if row.busy else "dim" if row.state == WAITING else "bold"
        )
        line.append("  ")
        line.append(f"{row.state:<{STATE}}", style=style)
        line.append(f"{self._time(row):>{TIME}}  ", style="dim")
        if row.doing:
            line.append(f"{row.doing.lower()}  ", style="cyan")
        if row.progress is not None:
            self._progress(line, row.progress)
        line.append(row.text, style="red" if row.state == "Failed" else "")
        return self._cut(line)

    def _mark(self, row: Row) -> str:
        if row.busy and self.still:
            return self._or("…", "~")
        if row.busy:
            frames = self._or(SPINNER, "-\\|/")
            return frames[int(self.now * REFRESH) % len(frames)]
        return self._or(MARKS.get(row.state, "·"), PLAIN_MARKS.get(row.state, "-"))

    def _time(self, row: Row) -> str:
        if row.state == WAITING:
            return ""
        return duration(self.now - row.since) if row.state not in RESTING else f"at {duration(row.since)}"

    def _progress(self, line: Text, progress: Progress) -> None:
        if progress.total and self.width >= WIDE:
            filled = round(BAR * max(0.0, min(1.0, progress.done / progress.total)))
            line.append(self._or("━", "#") * filled, style="cyan")
            line.append(f"{self._or('─', '-') * (BAR - filled)} ", style="dim")
        line.append(f"{amount(progress)}  ", style="cyan")

    def _foot(self, services: Sequence[Row], end: Ended | None) -> Text:
        line = Text(no_wrap=True)
        if end is None:
            line.append(f"  {duration(self.now)}", style="bold")
            line.append(f"  {summary(services)}", style="dim")
        else:
            line.append(
                f"  {clean(end.stage)} after {duration(self.now)}", style="bold red" if end.exit_code else "bold green"
            )
            line.append(f"  {clean(end.text)}")
        return self._cut(line)

    def _cut(self, line: Text) -> Text:
        # One column stays free: some terminals wrap when the last one is written.
        line.rstrip()
        line.truncate(self.width - 1, overflow="crop" if self.plain else "ellipsis")
        return line

    def _or(self, text: str, plain: str) -> str:
        return plain if self.plain else text


def _style(row: Row) -> str:
    if row.state == WAITING:
        return "dim"
    return STYLES.get(row.state, BUSY)
