"""Charts of the report."""

from __future__ import annotations

import xml.etree.ElementTree as ET
from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dockyard.ui.charts import Bar, axis, columns, lanes, percent, stack, ticks, track


def bar(start: float, end: float, label: str = "a") -> Bar:
    """Return a piece of a chart."""
    return Bar(start, end, "build", label, f"{label} <of> {start}")


def numbers(markup: str, tag: str, name: str) -> list[str]:
    """Return an attribute of every element of a kind, in order."""
    tree = ET.fromstring(f"<x>{markup}</x>")  # noqa: S314 - it is our own
    return [found.get(name, "") for found in tree.iter(tag)]


@settings(deadline=None)  # a busy machine says nothing about the code
@given(st.lists(st.tuples(st.floats(0, 100), st.floats(0, 20)).map(lambda pair: bar(pair[0], sum(pair)))))
def test_no_bar_covers_another(bars: list[Bar]) -> None:
    """Each stands in one lane, and those of a lane follow each other."""
    rows = lanes(bars)
    assert sorted(map(id, bars)) == sorted(id(one) for row in rows for one in row)
    assert all(before.end <= after.start for row in rows for before, after in pairwise(row))


@pytest.mark.parametrize("whole", [0.0, 0.1, 0.3, 1, 7.3, 28.2, 61, 599, 4000, 90_000])
def test_marks_of_an_axis_are_few_and_round(whole: float) -> None:
    """From zero, never beyond the end."""
    marks = list(ticks(whole))
    assert len(marks) <= 7
    assert marks[:1] in ([0], [])
    assert all(mark <= whole for mark in marks)
    assert marks != [0] or whole < 0.1


def test_a_track_places_states_and_steps_by_time() -> None:
    """As parts of the whole, so that it fits any window; a piece that is too small has a title alone."""
    made = track(
        [bar(0, 5, "Building")], [bar(0, 2, "build"), bar(1, 4, "load"), bar(9.9, 10, "tiny")], whole=10, name="a<b"
    )
    assert numbers(made, "svg", "x")[1:] == ["0.000%", "0.000%", "99.000%", "10.000%"]
    assert numbers(made, "svg", "width")[1:] == ["50.000%", "20.000%", "1.000%", "30.000%"]
    assert ">tiny</text>" not in made
    assert "tiny &lt;of&gt; 9.9" in made
    assert 'aria-label="Timeline of a&lt;b"' in made


def test_an_axis_says_its_unit() -> None:
    """Figures stand where their marks are."""
    assert numbers(axis(10), "text", "x") == ["0.000%", "20.000%", "40.000%", "60.000%", "80.000%", "100.000%"]
    assert ">2.0 s<" in axis(10)


def test_a_stack_marks_the_limit() -> None:
    """At its share of the whole."""
    made = stack([bar(0, 50), bar(50, 60)], whole=100, limit=80, name="Layers")
    assert numbers(made, "line", "x1") == ["80.000%"]
    assert numbers(made, "svg", "width") == ["100%", "50.000%", "10.000%"]


def test_columns_are_as_high_as_their_values() -> None:
    """The highest fills the chart; nothing at all is seen as a line; a single one is no wall."""
    made = columns([bar(0, 10), bar(0, 5), bar(0, 0)], highest=10, name="Durations")
    assert numbers(made, "rect", "height") == ["160.0", "80.0", "2.0"]
    assert numbers(columns([bar(0, 0)], highest=0, name="Durations"), "rect", "width") == ["10.000%"]


def test_a_part_of_nothing_is_nothing() -> None:
    """No division by zero."""
    assert (percent(1, 0), percent(1, 4)) == ("0.000%", "25.000%")
