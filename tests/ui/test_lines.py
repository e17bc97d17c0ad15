"""Events as lines of a log."""

from __future__ import annotations

import io
from dataclasses import replace

from dockyard.model.events import Event, Move, Progress, Step
from dockyard.model.lifecycle import DeploymentState
from dockyard.ui.lines import SIGN_OF_LIFE, Lines
from tests.ui.samples import BEGAN, DEPLOY, DIAGNOSED, MOVE, stamped


def shown(*events: tuple[float, Event], colours: bool = False) -> list[str]:
    """Return the lines that events at some seconds are shown as."""
    file = io.StringIO()
    lines = Lines(file, colours=colours)
    for elapsed, event in events:
        lines(stamped(event, elapsed))
    lines.close()
    return file.getvalue().splitlines()


def test_a_line_has_time_subject_stage_and_text() -> None:
    """The time says its zone; seconds are since the start; nothing trails."""
    assert shown((12.34, Event("backend", "Ready", "2 of 2 pods")), (75, Event("backend", "Ready"))) == [
        "12:00:12Z   12.3 s  backend           Ready       2 of 2 pods",
        "12:01:15Z   75.0 s  backend           Ready",
    ]


def test_long_lines_stay_lines() -> None:
    """A log is searched by lines: nothing is wrapped, cut or broken by what a program said."""
    text = "word " * 100 + "\nend\x1b[31m"
    assert [line.partition("word")[2] for line in shown((0, Event("a", "Failed", text)))] == [" word" * 99 + "  end"]


def test_passing_events_are_left_out_but_for_a_sign_of_life() -> None:
    """Now and then, counted from the last line that was shown; with how far the work is."""
    passing = Event("api", "Loading", "to the node", passing=True, progress=Progress(3.5, 7, "MB"))
    lines = shown(
        (1, passing),
        (SIGN_OF_LIFE, passing),
        (SIGN_OF_LIFE + 1, passing),
        (SIGN_OF_LIFE + 2, Event("api", "Loaded")),
        (2 * SIGN_OF_LIFE + 1, passing),
        (2 * SIGN_OF_LIFE + 2, passing),
    )
    assert [line[20:] for line in lines] == [
        "api               Loading     3.5/7.0 MB  to the node",
        "api               Loaded",
        "api               Loading     3.5/7.0 MB  to the node",
    ]


def test_a_step_is_told_at_its_end_with_the_time_it_took() -> None:
    """Of each service; that it failed; its begin only where something is to be said, a moment's step not at all."""

    def step(service: str, text: str = "", *, ended: bool = False, ok: bool = True) -> Event:
        return Step(service, "build", text, service=service, step="build", ended=ended, ok=ok)

    lines = shown(
        (0, step("a")),
        (1, step("b", "3 files changed")),
        (4, step("a", ended=True)),
        (5, step("b", "no space", ended=True, ok=False)),
        (6, step("c")),
        (6.01, step("c", ended=True)),
    )
    assert [line[20:].split() for line in lines] == [
        ["b", "build", "3", "files", "changed"],
        ["a", "build", "took", "4.0", "s"],
        ["b", "build", "failed", "after", "4.0", "s:", "no", "space"],
    ]


def test_a_cause_is_a_block_below_its_line() -> None:
    """Indented, so that the log's own lines stand out."""
    lines = shown((9, DIAGNOSED), (10, MOVE))
    assert lines[0] == "12:00:09Z    9.0 s  api               Failed"
    assert lines[1] == "  api: container app ended with exit code 3 twice."
    assert lines[-2] == "    Next: Mend what the last lines tell of and run `./inv deploy`."
    assert lines[-1].endswith("api               Pending     0 of 1 pods")


def test_lines_above_a_board_are_read_now() -> None:
    """They have no time by the wall, and fold to the terminal."""
    file = io.StringIO()
    Lines(file, board=lambda: 40)(stamped(DIAGNOSED, 9))
    lines = file.getvalue().splitlines()
    assert lines[:3] == [
        "   9.0 s  api               Failed",
        "  api: container app ended with exit",
        "      code 3 twice.",
    ]


def test_colours_are_the_terminal_s() -> None:
    """Each kind of stage has its own; the text is the same with and without."""
    events = [(float(at), event) for at, event in enumerate(DEPLOY)]
    plain, coloured = "\n".join(shown(*events)), "\n".join(shown(*events, colours=True))
    assert "\x1b" not in plain
    assert "\x1b[36mPending    \x1b[0m" in coloured
    assert "\x1b[32mReady      \x1b[0m" in coloured
    assert "\x1b[1;31mapi: container" in coloured
    for code in ("36", "32", "31", "1;31", "1", "2", "0"):
        coloured = coloured.replace(f"\x1b[{code}m", "")
    assert coloured == plain


def test_a_command_begins_with_its_services() -> None:
    """In the order in which they are worked on, as far as they need each other."""
    assert shown((0, BEGAN)) == ["12:00:00Z    0.0 s  deploy            Began       mcp, api"]


def test_a_move_shows_the_new_state() -> None:
    """Where it came from stands in the line before."""
    move = Move("api", DeploymentState.READY, service="api", before=DeploymentState.RUNNING)
    assert shown((0, move)) == ["12:00:00Z    0.0 s  api               Ready"]


def test_a_failure_is_told_once() -> None:
    """The move to Failed says nothing that the diagnosis behind it does not say; one with a reason has its line."""
    silent = Move("api", DeploymentState.FAILED, service="api", before=DeploymentState.PENDING)
    assert len([line for line in shown((8, silent), (9, DIAGNOSED)) if line.endswith("Failed")]) == 1
    assert shown((8, replace(silent, text="its image could not be built")))[0].endswith("its image could not be built")
