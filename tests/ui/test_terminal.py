"""What a stream can show."""

from __future__ import annotations

import io

import pytest

from dockyard.ui.terminal import has_colours, moves, painter


class Tty(io.StringIO):
    """A terminal."""

    def isatty(self) -> bool:
        """Say that it is one."""
        return True


@pytest.mark.parametrize(
    ("environ", "shown"),
    [
        ({}, True),
        ({"TERM": "xterm"}, True),
        ({"TERM": "dumb"}, False),
        ({"TERM": "unknown"}, False),
        ({"CI": "1"}, False),
    ],
)
def test_lines_move_on_a_terminal_alone(environ: dict[str, str], shown: object) -> None:
    """One that knows how, and outside CI; a file never."""
    assert moves(Tty(), environ) is shown
    assert moves(io.StringIO(), environ) is False


@pytest.mark.parametrize(
    ("environ", "terminal", "file"),
    [
        ({}, True, False),
        ({"NO_COLOR": "1"}, False, False),
        ({"NO_COLOR": ""}, True, False),
        ({"TERM": "dumb"}, False, False),
        ({"FORCE_COLOR": "1"}, True, True),
        ({"FORCE_COLOR": "1", "NO_COLOR": "1"}, False, False),
        ({"CI": "1"}, True, False),
    ],
)
def test_colours_are_for_those_who_want_them(environ: dict[str, str], terminal: object, file: object) -> None:
    """NO_COLOR wins; a CI that has a terminal has colours."""
    assert (has_colours(Tty(), environ), has_colours(io.StringIO(), environ)) == (terminal, file)


def test_paint_is_a_code_and_its_end() -> None:
    """No code stands around nothing, and none where there are no colours."""
    paint = painter(colours=True)
    assert (paint("red", "no"), paint("", "no"), paint("red", "")) == ("\x1b[31mno\x1b[0m", "no", "")
    assert painter(colours=False)("red", "no") == "no"
