"""What a person sees of a command."""

from __future__ import annotations

import io
import json
from datetime import UTC, datetime
from pathlib import Path

import pytest
from rich.console import Console

from dockyard.model.errors import DockyardError, UnknownNameError
from dockyard.model.events import Event
from dockyard.ui.screen import SIGN_OF_LIFE, Screen
from tests.fakes import FakeClock

MARKUP = "a [red]b[/red] [/] c\\ :key: [link=x]"
"""Text that rich would take for its own."""

ESCAPE = "\x1b"


@pytest.fixture(autouse=True)
def _no_terminal(monkeypatch: pytest.MonkeyPatch) -> None:
    """Whatever the machine's terminal is, these variables must not decide."""
    for name in ("NO_COLOR", "FORCE_COLOR", "TTY_COMPATIBLE", "TTY_INTERACTIVE", "COLUMNS", "LINES"):
        monkeypatch.delenv(name, raising=False)


@pytest.fixture
def clock() -> FakeClock:
    """Return a clock that stands still."""
    return FakeClock()


@pytest.fixture
def screen(clock: FakeClock) -> Screen:
    """Return a screen without a terminal."""
    return Screen(clock)


class Terminal:
    """A screen on a terminal of 60 columns for each of its streams."""

    def __init__(self) -> None:
        self._out, self._err = io.StringIO(), io.StringIO()
        self.screen = Screen(FakeClock(), out=self._console(self._out), err=self._console(self._err))

    @staticmethod
    def _console(file: io.StringIO) -> Console:
        return Console(file=file, force_terminal=True, force_interactive=True, width=60, color_system="standard")

    @property
    def out(self) -> str:
        """What standard output got."""
        return self._out.getvalue()

    @property
    def err(self) -> str:
        """What standard error got."""
        return self._err.getvalue()


Captured = pytest.CaptureFixture[str]


def test_events_are_no_result(screen: Screen, clock: FakeClock, capsys: Captured) -> None:
    """They go to standard error, with the seconds since the start; `--json` can be piped."""
    clock.sleep(12.34)
    screen.report(Event("backend", "Ready", "2 of 2 pods"))
    captured = capsys.readouterr()
    assert captured.out == ""
    assert captured.err == "  12.3 s  backend           Ready       2 of 2 pods\n"


def test_long_lines_stay_lines(screen: Screen, capsys: Captured) -> None:
    """A log is searched by lines: nothing is wrapped or cut."""
    text = "word " * 100
    screen.report(Event("backend", "Failed", text))
    screen.say(text)
    screen.error(DockyardError(text.strip()))
    captured = capsys.readouterr()
    assert captured.out.splitlines() == [text]
    assert len(captured.err.splitlines()) == 2


def test_passing_events_are_left_out_of_a_log(screen: Screen, clock: FakeClock, capsys: Captured) -> None:
    """But for a sign of life now and then, counted from the last line that was shown."""

    def seen() -> bool:
        screen.report(Event("backend", "Building", "step", passing=True))
        return bool(capsys.readouterr().err)

    assert not seen()
    clock.sleep(SIGN_OF_LIFE)
    assert seen()
    assert not seen()
    clock.sleep(SIGN_OF_LIFE - 1)
    assert not seen()
    screen.report(Event("backend", "Ready"))
    clock.sleep(1)
    capsys.readouterr()
    assert not seen()
    clock.sleep(SIGN_OF_LIFE)
    assert seen()


def test_a_log_has_no_colours(screen: Screen, capsys: Captured) -> None:
    """No escape sequence reaches a file or a pipe."""
    screen.report(Event("backend", "Failed", "no"))
    screen.error(DockyardError("No", why="because", fix="Do"))
    screen.table(("name",), [("a",)], title="title")
    screen.say("done")
    captured = capsys.readouterr()
    assert ESCAPE not in captured.out + captured.err


def test_text_is_no_markup(screen: Screen, capsys: Captured) -> None:
    """What a program said is shown as it said it, brackets, colons and all."""
    screen.report(Event(MARKUP, "Failed", MARKUP))
    screen.error(DockyardError(MARKUP, why=MARKUP, fix=MARKUP))
    screen.say(MARKUP)
    screen.text(MARKUP)
    screen.table((MARKUP,), [(MARKUP,)], title=MARKUP)
    captured = capsys.readouterr()
    assert captured.err.count(MARKUP) == 5
    assert captured.out.count(MARKUP) == 5


def test_a_table_is_aligned(screen: Screen, capsys: Captured) -> None:
    """Text stands to the left, a column of numbers to the right; one word among numbers makes it text."""
    rows = [("backend", 1, "7"), ("mcp", 200, "none")]
    screen.table(("name", "size", "pods"), rows, title="Images")
    lines = [line.rstrip() for line in capsys.readouterr().out.splitlines()]
    assert lines == ["Images", "name     size  pods", "backend     1  7", "mcp       200  none"]


def test_a_table_without_rows_has_a_head(screen: Screen, capsys: Captured) -> None:
    """Nothing is there, and that is seen."""
    screen.table(("name", "pods"), [])
    assert capsys.readouterr().out.split() == ["name", "pods"]


@pytest.mark.parametrize(("text", "shown"), [("a\nb\n", "a\nb\n"), ("a", "a\n"), ("  a  ", "  a  \n")])
def test_text_is_shown_as_it_is(screen: Screen, capsys: Captured, text: str, shown: str) -> None:
    """Logs of a pod keep their lines; the last one is ended."""
    screen.text(text)
    assert capsys.readouterr().out == shown


def test_data_is_json(screen: Screen, capsys: Captured) -> None:
    """A machine reads it back, on lines as long as they are; paths and times are text."""
    value = {"names": ["ä", "x " * 200], "path": Path("a/b"), "time": datetime(2026, 11, 23, tzinfo=UTC), "none": None}
    screen.data(value)
    captured = capsys.readouterr()
    assert json.loads(captured.out) == {**value, "path": "a/b", "time": "2026-11-23 00:00:00+00:00"}
    assert captured.err == ""


@pytest.mark.parametrize(
    ("error", "shown"),
    [
        (DockyardError("It broke"), "It broke.\n"),
        (DockyardError("It broke.", why="Wind", fix="Wait."), "It broke.\n  Wind.\n  Wait.\n"),
        (DockyardError("It broke", fix="Run `x`"), "It broke.\n  Run `x`.\n"),
        (
            UnknownNameError("release", "backent", ["backend", "mcp"]),
            "There is no release named 'backent'.\n  Known: backend, mcp.\n  Did you mean 'backend'?\n",
        ),
    ],
    ids=["what", "all", "fix", "question"],
)
def test_an_error_is_up_to_three_sentences(screen: Screen, capsys: Captured, error: DockyardError, shown: str) -> None:
    """What happened, why, what to do; on standard error, without what is not known."""
    screen.error(error)
    captured = capsys.readouterr()
    assert (captured.out, captured.err) == ("", shown)


def test_a_terminal_has_colours() -> None:
    """Each state has its own; what went wrong is red."""
    terminal = Terminal()
    terminal.screen.report(Event("backend", "Ready"))
    terminal.screen.error(DockyardError("No"))
    assert f"{ESCAPE}[32mReady" in terminal.err
    assert f"{ESCAPE}[31mNo." in terminal.err


def test_a_terminal_without_colours(monkeypatch: pytest.MonkeyPatch) -> None:
    """NO_COLOR is honoured."""
    monkeypatch.setenv("NO_COLOR", "1")
    terminal = Terminal()
    terminal.screen.report(Event("backend", "Ready"))
    assert f"{ESCAPE}[3" not in terminal.err
    assert "Ready" in terminal.err


def test_passing_events_are_one_line_of_a_terminal() -> None:
    """The line is erased when something stays, and the cursor is given back."""
    terminal = Terminal()
    terminal.screen.report(Event("backend", "Building", "step 1", passing=True))
    terminal.screen.report(Event("backend", "Building", "step 2", passing=True))
    terminal.screen.report(Event("backend", "Ready", "done"))
    hidden, shown, erased = f"{ESCAPE}[?25l", f"{ESCAPE}[?25h", f"{ESCAPE}[2K"
    passing, _, stays = terminal.err.rpartition(erased)
    assert "step 2" in passing
    assert passing.count(hidden) == passing.count(shown) == 1
    assert "done" in stays
    assert "step" not in stays


@pytest.mark.parametrize("result", ["say", "table", "text", "data", "error", "close"])
def test_results_end_the_passing_line(result: str) -> None:
    """No result is written into a line that moves, and a command leaves the terminal as it was."""
    terminal = Terminal()
    terminal.screen.report(Event("backend", "Building", "step 1", passing=True))
    {
        "say": lambda: terminal.screen.say("done"),
        "table": lambda: terminal.screen.table(("a",), [("b",)]),
        "text": lambda: terminal.screen.text("done"),
        "data": lambda: terminal.screen.data({}),
        "error": lambda: terminal.screen.error(DockyardError("No")),
        "close": terminal.screen.close,
    }[result]()
    assert f"{ESCAPE}[?25h" in terminal.err
    assert "step" not in terminal.out
