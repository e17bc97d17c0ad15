"""Figures and foreign text."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dockyard.model.events import Progress
from dockyard.ui.words import amount, clean, clean_line, duration, sentence


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("plain [red] :key: ä", "plain [red] :key: ä"),
        ("\x1b[1;31mred\x1b[0m", "red"),
        ("\x1b]0;title\x07after", "after"),
        ("\x1b]8;;http://x\x1b\\link\x1b]8;;\x1b\\", "link"),
        ("one\ntwo\r\nthree", "one two three"),
        ("bell\x07 back\x08 \x9b31m", "bell back 31m"),
        ("  a\tb  ", "a b"),
    ],
)
def test_foreign_text_is_one_line_that_no_terminal_obeys(text: str, shown: str) -> None:
    """A program's output cannot move the cursor, change a colour or set a title."""
    assert clean(text) == shown


@settings(deadline=None)  # a busy machine says nothing about the code
@given(st.text(alphabet=st.characters() | st.sampled_from("\x1b[]0;m\x07\x9b\n\r")))
def test_nothing_that_a_terminal_obeys_is_left(text: str) -> None:
    """Whatever the text is; a line of a log neither."""
    for shown in (clean(text), clean_line(text)):
        assert not any(ord(character) < 32 or 127 <= ord(character) < 160 for character in shown)


def test_a_line_of_a_log_keeps_its_indentation() -> None:
    """A traceback is read by it."""
    assert clean_line("\t  \x1b[2mat x\x1b[0m  ") == "      at x"


@pytest.mark.parametrize(
    ("seconds", "shown"),
    [
        (-1, "0.0 s"),
        (0, "0.0 s"),
        (4.24, "4.2 s"),
        (59.94, "59.9 s"),
        (59.96, "1 m 00 s"),
        (123, "2 m 03 s"),
        (3599.6, "1 h 00 m"),
        (7380, "2 h 03 m"),
    ],
)
def test_a_duration_is_short(seconds: float, shown: str) -> None:
    """Two figures at most, and never 60 seconds."""
    assert duration(seconds) == shown


@pytest.mark.parametrize(
    ("progress", "shown"),
    [
        (Progress(3, 9, "steps"), "3/9 steps"),
        (Progress(12.54, 40, "MB"), "12.5/40.0 MB"),
        (Progress(12.54, 0, "MB"), "12.5 MB"),
        (Progress(1, 2, "pods"), "1/2 pods"),
    ],
)
def test_progress_is_counted(progress: Progress, shown: str) -> None:
    """Against the total, where that is known."""
    assert amount(progress) == shown


@pytest.mark.parametrize(("text", "shown"), [("Done", "Done."), ("Done.", "Done."), ("Is it?", "Is it?")])
def test_a_sentence_ends(text: str, shown: str) -> None:
    """With one full stop."""
    assert sentence(text) == shown
