"""Tables as text."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dockyard.ui.table import columns_of, table_lines


def lines(columns: tuple[str, ...], *rows: tuple[object, ...], width: int = 120) -> list[str]:
    """Return a table's lines."""
    return list(table_lines(columns, rows, width=width))


def test_text_stands_to_the_left_and_numbers_to_the_right() -> None:
    """One word among numbers makes a column text; a dash is no value."""
    assert lines(("name", "size", "pods", "n"), ("backend", 1, "7", 1), ("mcp", 200, "none", "-")) == [
        "name     size  pods  n",
        "backend     1  7     1",
        "mcp       200  none  -",
    ]


def test_a_table_without_rows_is_its_head() -> None:
    """Nothing is there, and that is seen."""
    assert lines(("name", "pods")) == ["name  pods"]


def test_a_cell_may_have_lines() -> None:
    """The others are empty below."""
    assert lines(("a", "b"), ("x", "1st\n\n3rd"), ("", "")) == ["a  b", "x  1st", "", "   3rd", ""]


def test_what_is_too_wide_is_folded() -> None:
    """The widest column, at words where there are some; nothing is lost."""
    table = lines(("id", "finding"), ("DY101", "several words that take a long line"), ("DY102", "x" * 40), width=27)
    assert table == [
        "id     finding",
        "DY101  several words that",
        "       take a long line",
        "DY102  xxxxxxxxxxxxxxxxxxxx",
        "       xxxxxxxxxxxxxxxxxxxx",
    ]


@pytest.mark.parametrize(("text", "columns"), [("abc", 3), ("ä", 1), ("日本", 4), ("e\u0301", 1)])
def test_columns_are_those_of_a_terminal(text: str, columns: int) -> None:
    """Some characters take two, marks take none."""
    assert columns_of(text) == columns


@settings(deadline=None)  # a busy machine says nothing about the code
@given(
    st.lists(st.tuples(st.text("ab c", max_size=90), st.text("ab c", max_size=90)), max_size=5), st.integers(18, 100)
)
def test_a_table_fits(rows: list[tuple[str, str]], width: int) -> None:
    """Into any width that has room for its columns."""
    assert all(len(line) <= width for line in table_lines(("one", "two"), rows, width=width))
