"""The live board."""

from __future__ import annotations

import io
import re
import threading
import time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from rich.cells import cell_len
from rich.console import Console

from dockyard.model.events import Began, Ended, Event, Move, Progress
from dockyard.model.lifecycle import DeploymentState
from dockyard.tools.clock import SystemClock
from dockyard.ui.board import REFRESH, Board, Drawing
from dockyard.ui.rows import Row
from dockyard.ui.stream import Stream
from dockyard.ui.words import clean
from tests.fakes import FakeClock
from tests.ui.samples import BEGAN, DEPLOY, DIAGNOSED, ENDED, NOTE, PROGRESS, stamped

ROWS = (
    Row("mcp", "Ready", 4.0, text="revision 4"),
    Row("backend", "Building", 1.0, progress=Progress(3, 9, "steps"), text="RUN uv pip install --no-deps"),
    Row("frontend"),
    Row("worker", "Failed", 3.0, text="the image cannot be found"),
    Row("cron", "Ready", 0.0, doing="Loading", progress=Progress(12.5, 0, "MB")),
)


def drawn(rows: tuple[Row, ...], *, width: int = 100, height: int = 20, plain: bool = False) -> list[str]:
    """Return the lines of a board."""
    drawing = Drawing(width, 5.0, plain=plain)
    return [line.plain.rstrip() for line in drawing.board(rows, (), end=None, height=height)]


def test_a_row_has_state_time_progress_and_the_last_words() -> None:
    """The time in a state that goes on; the moment of one that rests."""
    assert drawn(ROWS) == [
        "",
        "✓ mcp       Ready        at 4.0 s  revision 4",
        "⠋ backend   Building        4.0 s  ━━━─────── 3/9 steps  RUN uv pip install --no-deps",
        "· frontend  waiting",
        "✗ worker    Failed       at 3.0 s  the image cannot be found",
        "⠋ cron      Ready        at 0.0 s  loading  12.5 MB",
        "  5.0 s  1 Building, 1 Failed, 2 Ready, 1 waiting",
    ]


def test_a_narrow_terminal_has_no_bars_and_cuts_texts() -> None:
    """60 columns, and the last one stays free."""
    lines = drawn(ROWS, width=60)
    assert lines[2] == "⠋ backend   Building        4.0 s  3/9 steps  RUN uv pip i…"
    assert max(map(len, lines)) == 59


def test_a_terminal_that_knows_ascii_alone_gets_nothing_else() -> None:
    """Marks, bars and dots have others."""
    assert drawn(ROWS, plain=True)[1:4] == [
        "+ mcp       Ready        at 4.0 s  revision 4",
        "| backend   Building        4.0 s  ###------- 3/9 steps  RUN uv pip install --no-deps",
        "- frontend  waiting",
    ]
    assert all(line.isascii() for width in (30, 60) for line in drawn(ROWS, plain=True, width=width, height=4))


def test_more_services_than_lines_leave_a_summary() -> None:
    """The board is never higher than the terminal; what works and what failed is seen first."""
    rows = (*(Row(f"s{at}", "Ready", 1.0) for at in range(14)), Row("late", "Pending", 2.0))
    lines = drawn(rows, height=8)
    assert len(lines) == 8
    assert lines[5].split()[:2] == ["⠋", "late"]
    assert lines[6:] == ["  … 10 more: 10 Ready", "  5.0 s  1 Pending, 14 Ready"]


@settings(deadline=None)  # a busy machine says nothing about the code
@given(
    rows=st.lists(
        st.builds(
            Row,
            name=st.text(max_size=40).map(clean),
            state=st.sampled_from([*DeploymentState, "waiting", "Unchanged", "Odd"]),
            since=st.floats(0, 1e5),
            doing=st.sampled_from(["", "Loading"]),
            progress=st.none()
            | st.builds(Progress, st.floats(0, 1e4), st.floats(0, 1e4), st.sampled_from(["MB", "pods"])),
            text=st.text(max_size=200).map(clean),
        ),
        max_size=20,
        unique_by=lambda row: row.name,
    ),
    width=st.integers(20, 200),
    height=st.integers(5, 50),
)
def test_a_board_always_fits_its_terminal(rows: list[Row], width: int, height: int) -> None:
    """Whatever names and texts are: no line is too long, and there are no more than there is room for."""
    lines = list(Drawing(width, 7.0).board(rows, rows[:2], end=ENDED, height=height))
    assert len(lines) <= height
    assert all(cell_len(line.plain) < width for line in lines)
    assert not any("\n" in line.plain for line in lines)


class Terminal:
    """A terminal with a board that is drawn when a test says so."""

    def __init__(self, *, width: int = 80, height: int = 12, colours: bool = False) -> None:
        self.file, self.clock = io.StringIO(), FakeClock()
        self.console = Console(
            file=self.file,
            force_terminal=True,
            width=width,
            height=height,
            color_system="standard" if colours else None,
            highlight=False,
            _environ={"TERM": "xterm"},
        )
        self.board = Board(self.console, self.clock, refresh=0)

    def tell(self, *events: Event) -> None:
        """Tell the board of events of this moment."""
        for event in events:
            self.board(stamped(event, self.clock.now()))

    def drawn(self) -> str:
        """Return what is on the board now."""
        paper = Console(
            file=io.StringIO(),
            force_terminal=True,
            width=self.console.width,
            color_system="standard" if self.console.color_system else None,
            _environ={"TERM": "xterm"},
        )
        with paper.capture() as captured:
            paper.print(self.board.draw())
        return captured.get()

    @property
    def text(self) -> str:
        """What was written, without what moves the cursor."""
        return re.sub(r"\x1b\[[0-9;?]*[A-Za-z]", "", self.file.getvalue())


def test_services_have_rows_from_the_begin_on() -> None:
    """In the order of the command; the time goes on between events."""
    terminal = Terminal()
    terminal.tell(BEGAN, PROGRESS)
    terminal.clock.sleep(2.0)
    assert [line.split() for line in terminal.drawn().splitlines()][1:] == [
        ["·", "mcp", "waiting"],
        ["⠹", "api", "waiting", "building", "3/9", "steps", "RUN", "pip", "install"],
        ["2.0", "s", "2", "waiting"],
    ]


def test_what_lasts_scrolls_above_the_board() -> None:
    """What is about no service, warnings and causes; the rest of a service is in its row."""
    terminal = Terminal()
    terminal.tell(BEGAN, NOTE, Event("api", "Warning", "no probe", service="api"), DIAGNOSED)
    terminal.tell(Event("api-image", "Built", "95 MB", service="api"))
    terminal.board.close()
    text = terminal.text
    assert text.index("0.0 s  database          Ready       127.0.0.1:15432") < text.index("Warning     no probe")
    assert text.index("Warning     no probe") < text.index("api: container app ended") < text.rindex("✗ api")
    assert "Built       95 MB" not in text


def test_work_for_no_service_is_a_row_that_goes() -> None:
    """It is replaced while it goes on and makes room for the line that lasts."""
    terminal = Terminal()
    terminal.tell(Event("cluster", "Starting", "waiting for a node", passing=True))
    assert "⠋ cluster  Starting        0.0 s  waiting for a node" in terminal.drawn()
    terminal.tell(Event("cluster", "Ready", "node dockyard"))
    assert "cluster" not in terminal.drawn()
    terminal.board.close()
    assert "cluster           Ready       node dockyard" in terminal.text


def test_a_closed_board_stays_with_every_row() -> None:
    """However low the terminal is; the cursor is given back, and the end is told."""
    terminal = Terminal(height=6)
    names = tuple(f"s{at}" for at in range(15))
    terminal.tell(Began("deploy", "Began", command="deploy", services=names))
    terminal.tell(*(Move(name, DeploymentState.READY, service=name) for name in names))
    terminal.clock.sleep(9.0)
    terminal.tell(Ended("deploy", "Done", "15 services serve"))
    assert "more: " in terminal.drawn()
    terminal.board.close()
    stays = terminal.text.splitlines()[-17:-1]
    assert [line.split()[1] for line in stays[:15]] == list(names)
    assert stays[15].rstrip() == "  Done after 9.0 s  15 services serve"
    assert terminal.file.getvalue().endswith("\x1b[?25h\n")


def test_what_was_stopped_does_not_seem_to_go_on() -> None:
    """The mark of work that goes on has no place on a board that stays."""
    terminal = Terminal()
    terminal.tell(BEGAN, Move("api", DeploymentState.PENDING, service="api"))
    assert "⠋ api  Pending" in terminal.drawn()
    terminal.board.close()
    assert "… api  Pending" in terminal.text
    assert "⠋" not in terminal.text


def test_a_board_without_services_leaves_nothing() -> None:
    """A start of the cluster is its lines alone; closing twice does nothing more."""
    terminal = Terminal()
    terminal.tell(Event("cluster", "Starting", "waiting", passing=True))
    terminal.board.close()
    written = terminal.file.getvalue()
    terminal.board.close()
    assert terminal.file.getvalue() == written
    assert "waiting" not in terminal.text
    assert written.endswith("\x1b[2K")


def test_a_board_that_was_closed_opens_again() -> None:
    """With what happens then; what stood there is history."""
    terminal = Terminal()
    terminal.tell(BEGAN)
    terminal.board.close()
    terminal.tell(PROGRESS)
    assert "mcp" not in terminal.drawn()
    assert "building  3/9 steps" in terminal.drawn()
    terminal.board.close()


@pytest.mark.parametrize(("colours", "code"), [(True, "\x1b[31m"), (False, "")])
def test_colours_are_the_console_s(colours: bool, code: str) -> None:  # noqa: FBT001 - a case
    """What failed is red where there are colours, on the board and above it."""
    terminal = Terminal(colours=colours)
    terminal.tell(*DEPLOY[:-1])
    assert (f"{code}Failed" in terminal.drawn()) is True
    assert ("\x1b[1;31mapi: container" in terminal.file.getvalue()) is colours
    terminal.board.close()


def test_a_board_is_drawn_while_many_threads_tell_of_events() -> None:
    """By a thread of its own, no more than eight times a second; nothing waits for ever, nothing is lost."""
    file = io.StringIO()
    console = Console(file=file, force_terminal=True, width=80, height=20, _environ={"TERM": "xterm"})
    board = Board(console, SystemClock())
    told = Stream((board,))

    def work(name: str) -> None:
        for at in range(30):
            told(Event(name, "Building", str(at), passing=True, service=name))
            time.sleep(0.01)
        told(Event(name, "Warning", f"{name} warns", service=name))
        told(Move(name, DeploymentState.READY, service=name))

    threads = [threading.Thread(target=work, args=(name,)) for name in ("a", "b", "c")]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(20)
    board.close()
    text = file.getvalue()
    assert told.troubles == {}
    assert all(f"{name} warns" in text for name in ("a", "b", "c"))
    assert text.count("3 Ready") == 1
    assert REFRESH <= 8
