"""Lengths of time."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import TypeAdapter

from dockyard.model.duration import LONGEST, Seconds, seconds
from dockyard.model.errors import RuleError


@pytest.mark.parametrize(
    ("given_", "length"),
    [(120, 120), ("90", 90), ("120s", 120), ("2m", 120), ("1h30m", 5400), ("1m5s", 65), ("24h", LONGEST)],
)
def test_a_length_of_time_is_read_in_seconds(given_: int | str, length: int) -> None:
    """A number, seconds, minutes and hours are understood."""
    assert seconds(given_) == TypeAdapter(Seconds).validate_python(given_) == length


@pytest.mark.parametrize("given_", ["", "s", "5 m", "1.5m", "500ms", "-1s", "1m2h", "٣s", 1.5, True, None, [], "1d"])
def test_other_things_are_no_length_of_time(given_: object) -> None:
    """The sentence shows how one is written."""
    with pytest.raises(RuleError, match="written like 90, 90s, 2m or 1h30m"):
        seconds(given_)


@pytest.mark.parametrize("given_", [0, "0s", -5, LONGEST + 1, "25h", 10**30])
def test_a_wait_is_a_second_to_a_day(given_: int | str) -> None:
    """No time at all, and more than a day, are slips."""
    with pytest.raises(RuleError, match="1 second to 24 hours"):
        seconds(given_)


@given(st.integers(0, 23), st.integers(0, 59), st.integers(1, 59))
def test_parts_add_up(hours: int, minutes: int, rest: int) -> None:
    """Hours, minutes and seconds are added."""
    assert seconds(f"{hours}h{minutes}m{rest}s") == 3600 * hours + 60 * minutes + rest
