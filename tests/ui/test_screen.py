"""What a person sees of a command."""

from __future__ import annotations

import base64
import io
import json
import os
import re
import subprocess
import sys
from datetime import UTC, datetime
from pathlib import Path
from typing import TextIO

import pytest
from rich.console import Console

from dockyard.model.errors import ConfigError, DockyardError, UnknownNameError
from dockyard.model.events import Began, Ended, Event, Stamped
from dockyard.model.redaction import Redactor
from dockyard.ui.board import Board
from dockyard.ui.lines import Lines
from dockyard.ui.ndjson import Ndjson
from dockyard.ui.screen import Screen
from tests.fakes import FakeClock

MARKUP = "a [red]b[/red] [/] c\\ :key: [link=x]"
"""Text that rich would take for its own."""

ESCAPE = "\x1b"


@pytest.fixture(autouse=True)
def _no_terminal(monkeypatch: pytest.MonkeyPatch) -> None:
    """Whatever the machine's terminal is, these variables must not decide."""
    for name in ("CI", "NO_COLOR", "FORCE_COLOR", "TTY_COMPATIBLE", "TTY_INTERACTIVE", "COLUMNS", "LINES"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("TERM", "xterm")


@pytest.fixture
def clock() -> FakeClock:
    """Return a clock that stands still."""
    return FakeClock()


@pytest.fixture
def screen(clock: FakeClock) -> Screen:
    """Return a screen without a terminal."""
    return Screen(clock)


class Tty(io.StringIO):
    """A terminal."""

    def isatty(self) -> bool:
        """Say that it is one."""
        return True


class Terminal:
    """A screen on a terminal of 60 columns for each of its streams."""

    def __init__(self) -> None:
        self._out, self._err = Tty(), Tty()
        self.screen = Screen(FakeClock(), out=self._out, err=self._err, console=self._console)

    @staticmethod
    def _console(file: TextIO) -> Console:
        return Console(file=file, force_terminal=True, width=60, height=20, color_system="standard")

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
    assert re.fullmatch(r"\d\d:\d\d:\d\dZ   12\.3 s  backend           Ready       2 of 2 pods\n", captured.err)


def test_long_lines_stay_lines(screen: Screen, capsys: Captured) -> None:
    """A log is searched by lines: nothing is wrapped or cut."""
    text = "word " * 100
    screen.report(Event("backend", "Failed", text))
    screen.say(text)
    screen.error(DockyardError(text.strip()))
    captured = capsys.readouterr()
    assert captured.out.splitlines() == [text]
    assert len(captured.err.splitlines()) == 2


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


@pytest.mark.parametrize("what", ["It \x1b[31mbroke\x1b[0m", "It broke"])
def test_a_program_s_words_move_no_terminal(screen: Screen, capsys: Captured, what: str) -> None:
    """Lines of an error stay lines; escape sequences go."""
    screen.error(DockyardError(what, why="first\n  \x1b[2Jsecond"))
    assert capsys.readouterr().err == "It broke.\n  first\n  second.\n"


def test_a_terminal_has_colours() -> None:
    """Each state has its own; what went wrong is red; the head of a table is bold."""
    terminal = Terminal()
    terminal.screen.report(Event("backend", "Ready"))
    terminal.screen.error(DockyardError("No"))
    terminal.screen.table(("name",), [("a",)])
    terminal.screen.painted([("green", "+ a"), ("", "b")])
    assert f"{ESCAPE}[32mReady" in terminal.err
    assert f"{ESCAPE}[31mNo." in terminal.err
    assert f"{ESCAPE}[1mname" in terminal.out
    assert f"{ESCAPE}[32m+ a{ESCAPE}[0m\nb\n" in terminal.out


def test_a_terminal_without_colours(monkeypatch: pytest.MonkeyPatch) -> None:
    """NO_COLOR is honoured."""
    monkeypatch.setenv("NO_COLOR", "1")
    terminal = Terminal()
    terminal.screen.report(Event("backend", "Ready"))
    terminal.screen.error(DockyardError("No"))
    assert f"{ESCAPE}[3" not in terminal.err
    assert "Ready" in terminal.err


@pytest.mark.parametrize("result", ["say", "table", "text", "data", "painted", "error", "close"])
def test_results_end_what_moves(result: str) -> None:
    """No result is written into a board, and a command leaves the terminal as it was."""
    terminal = Terminal()
    terminal.screen.report(Event("backend", "Building", "step 1", passing=True))
    {
        "say": lambda: terminal.screen.say("done"),
        "table": lambda: terminal.screen.table(("a",), [("b",)]),
        "text": lambda: terminal.screen.text("done"),
        "data": lambda: terminal.screen.data({}),
        "painted": lambda: terminal.screen.painted([("", "done")]),
        "error": lambda: terminal.screen.error(DockyardError("No")),
        "close": terminal.screen.close,
    }[result]()
    assert f"{ESCAPE}[?25h" in terminal.err
    assert "step" not in terminal.out


@pytest.mark.parametrize(
    ("environ", "board"), [({}, True), ({"CI": "1"}, False), ({"TERM": "dumb"}, False), ({"NO_COLOR": "1"}, True)]
)
def test_a_terminal_has_a_board(environ: dict[str, str], board: object, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where it knows how, and outside CI; elsewhere are lines, and records where they are asked for."""
    for name, value in environ.items():
        monkeypatch.setenv(name, value)
    reader = Terminal().screen.reader()
    assert isinstance(reader, Board) is board
    assert isinstance(reader, Lines) is not board
    assert isinstance(Terminal().screen.reader(json=True), Ndjson)


def test_records_are_the_whole_of_standard_output(screen: Screen, capsys: Captured) -> None:
    """With `--json`: nothing of the events is on standard error."""
    told = screen.stream(json=True, run="r1")
    told(Began("deploy", "Began", command="deploy"))
    screen.report(Ended("deploy", "Done"))
    captured = capsys.readouterr()
    assert [json.loads(line)["type"] for line in captured.out.splitlines()] == ["begin", "end"]
    assert captured.err == ""


def test_others_read_the_same_stream(screen: Screen, capsys: Captured) -> None:
    """The journal, say; and no reader and no error shows a secret."""
    kept: list[Stamped] = []
    screen.hide(Redactor({"KEY": "hunter2"}))
    screen.stream(kept.append, run="r1")
    screen.report(Event("api", "Note", "it is hunter2"))
    screen.error(DockyardError("hunter2 is wrong", why="hunter2"))
    assert [(stamped.run, stamped.event.text) for stamped in kept] == [("r1", "it is ***")]
    assert "hunter2" not in capsys.readouterr().err


def test_a_reader_s_trouble_is_told(screen: Screen, capsys: Captured) -> None:
    """As a line, once."""

    def full(_stamped: Stamped) -> None:
        raise OSError(28, "No space left on device", "journal.jsonl")

    screen.stream(full)
    screen.report(Event("api", "Ready"))
    screen.report(Event("api", "Ready"))
    screen.close()
    assert capsys.readouterr().err.count("Warning     function is not complete: journal.jsonl: No space left") == 1


def test_what_the_screen_could_not_show_is_told_at_the_end(capsys: Captured) -> None:
    """Nobody else can; where standard error is gone too, nothing is left to do."""

    class Gone(io.StringIO):
        def write(self, _text: str) -> int:
            raise BrokenPipeError(32, "Broken pipe")

    screen = Screen(FakeClock(), out=Gone())
    screen._reader = Lines(Gone())  # noqa: SLF001 - as where the first lines went well
    screen.report(Event("api", "Ready"))
    screen.close()
    screen.close()
    assert capsys.readouterr().err == "Warning: the output is not complete: Broken pipe.\n"
    silent = Screen(FakeClock(), err=Gone())
    silent.report(Event("api", "Ready"))
    silent.close()


RICH = "import sys; from dockyard.tools.clock import SystemClock; from dockyard.ui.screen import Screen; "


@pytest.mark.process
@pytest.mark.parametrize("call", ["report", "data", "table", "stream"])
def test_rich_is_imported_for_the_board_alone(call: str) -> None:
    """It takes a tenth of a second, which a deploy that changes nothing does not have."""
    calls: dict[str, str] = {
        "report": "s.report(Event('a', 'b'))",
        "data": "s.data({})",
        "table": "s.table(('a',), [('b',)])",
        "stream": "s.stream(json=True)(Event('a', 'b'))",
    }
    code = f"{RICH}from dockyard.model.events import Event; s = Screen(SystemClock()); {calls[call]}; s.close(); "
    subprocess.run(  # noqa: S603 - our own interpreter, and code that stands above
        [sys.executable, "-c", f"{code}sys.exit('rich' in sys.modules)"], check=True, timeout=60, capture_output=True
    )


@pytest.mark.process
def test_a_real_terminal_gets_a_board() -> None:
    """A pseudo-terminal: the board is drawn, its cursor comes back, and what stays is readable."""
    code = (
        f"{RICH}from dockyard.model.events import *; s = Screen(SystemClock()); "
        "s.report(Began('deploy', 'Began', command='deploy', services=('api', 'mcp'))); "
        "s.report(Move('api', 'Ready', 'it serves', service='api')); s.close()"
    )
    reading, writing = os.openpty()
    try:
        subprocess.run(  # noqa: S603 - our own interpreter, and code that stands above
            [sys.executable, "-c", code], check=True, timeout=60, stdout=writing, stderr=writing
        )
        shown = os.read(reading, 65_536).decode()
    finally:
        os.close(reading)
        os.close(writing)
    assert shown.count("\x1b[?25l") == shown.count("\x1b[?25h") == 1
    assert re.search(
        r"✓ api  Ready        at \d\.\d s  it serves\r\n· mcp  waiting\r\n",
        re.sub(r"\x1b\[[0-9;?]*[A-Za-z]", "", shown),
    )


def test_every_way_to_print_removes_a_value_in_its_own_form() -> None:
    """JSON escapes it, a table and a text break it into lines, and a text may begin within it."""
    value = 'x7Kq2mVp9"TzR4wYbC3nD\nq8Lr3nWq0UaS5xZcD4oE'
    redactor, out = Redactor({"KEY": value}), io.StringIO()
    screen = Screen(FakeClock(), out=out, err=out)
    screen.hide(redactor)
    screen.say(value)
    screen.data({"key": value, "url": "http://127.0.0.1:30080"})
    screen.table(("name", "value"), [("KEY", value.splitlines()[0])])
    screen.text(f"Lr3nWq0UaS5xZcD4oE\n{value}\ndone\n")
    screen.error(ConfigError(value, why=value))
    shown = out.getvalue()
    assert [piece for piece in ("x7Kq2m", "TzR4wYbC", "q8Lr3n", "xZcD4oE\n") if piece in shown] == []
    assert '"url": "http://127.0.0.1:30080"' in shown
    assert "done" in shown


def hiding(**values: str) -> tuple[Screen, io.StringIO]:
    """Return a screen that hides secrets, and what it prints to."""
    out = io.StringIO()
    screen = Screen(FakeClock(), out=out, err=out)
    screen.hide(Redactor(values))
    return screen, out


def test_a_value_is_taken_out_of_a_cell_before_the_cell_is_folded() -> None:
    """Its pieces stand in one column, between those of others; a number that has its digits stays."""
    screen, out = hiding(KEY="hunter2-superlongsecret-9xk3-and-more", PIN="123456")
    told = f"it said {'many words ' * 9} hunter2-superlongsecret-9xk3-and-more"
    screen.table(("name", "text", "size", "pin"), [("a" * 50, told, 91234567, 123456)], title="of 123456")
    shown = out.getvalue()
    assert not any(piece in shown for piece in ("hunter2", "superlong", "9xk3", "and-more", " 123456"))
    assert "91234567" in shown
    assert shown.count("***") == 3


def test_data_stays_json_where_a_value_goes() -> None:
    """What is redacted are the texts, not how JSON writes them; numbers stay numbers."""
    value = "x7Kq2mVp9TzR4wYb"
    screen, out = hiding(KEY=value, PIN="123456")
    coded = base64.b64encode(value.encode()).decode()
    screen.data({"note": f"line\n{coded}", "size": 91234567, value: [value]})
    assert json.loads(out.getvalue()) == {"note": "line\n***", "size": 91234567, "***": ["***"]}


def test_a_coloured_line_keeps_its_colour_beside_a_value() -> None:
    """The last letter of an escape sequence could be base64."""
    terminal = Terminal()
    terminal.screen.hide(Redactor({"KEY": "x7Kq2mVp9TzR4wYb"}))
    terminal.screen.painted([("green", base64.b64encode(b"x7Kq2mVp9TzR4wYb").decode())])
    assert terminal.out == f"{ESCAPE}[32m***{ESCAPE}[0m\n"


@pytest.mark.parametrize("given", [{}, {"KEY": "x7Kq2mVp9TzR4wYb"}], ids=["none", "one"])
def test_a_bug_says_that_values_were_taken_out_where_any_is_known(given: dict[str, str]) -> None:
    """Elsewhere it would promise what nobody did."""
    screen, out = hiding(**given)
    screen.bug("ValueError: x7Kq2mVp9TzR4wYb")
    assert ("x7Kq" in out.getvalue()) is not bool(given)
    assert ("were taken out" in out.getvalue()) is bool(given)


def test_a_stream_that_cannot_show_a_character_shows_the_rest() -> None:
    """A log in ASCII: a bar becomes question marks, and no traceback."""
    raw = io.BytesIO()
    screen = Screen(FakeClock(), out=io.TextIOWrapper(raw, encoding="ascii"))
    screen.say("size █▌ of ä")
    screen.data({"a": 1})
    assert raw.getvalue().decode() == 'size ?? of ?\n{\n  "a": 1\n}\n'
