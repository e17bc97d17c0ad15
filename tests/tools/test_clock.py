"""Time as a port."""

from __future__ import annotations

import pytest

from dockyard.tools.clock import SystemClock, ticks


class StepClock:
    """A clock on which only sleeping, and the work that is done, take time."""

    def __init__(self) -> None:
        self.seconds = 1000.0
        self.slept: list[float] = []

    def now(self) -> float:
        """Return the seconds."""
        return self.seconds

    def sleep(self, seconds: float) -> None:
        """Move on."""
        self.slept.append(seconds)
        self.seconds += seconds


def test_ticks_come_at_once_and_after_each_pause() -> None:
    """The first look costs no wait, and the limit itself is past."""
    assert list(ticks(StepClock(), limit=3, pause=1)) == [0, 1, 2]


def test_slow_work_counts_against_the_limit() -> None:
    """A look that takes long makes fewer looks, not a longer wait."""
    clock = StepClock()
    seen: list[float] = []
    for gone in ticks(clock, limit=3, pause=1):
        seen.append(gone)
        clock.seconds += 2
    assert (seen, clock.now()) == ([0], 1003)


def test_who_has_seen_enough_does_not_pause() -> None:
    """Leaving the loop costs no further sleep."""
    clock = StepClock()
    next(ticks(clock, limit=3, pause=1))
    assert clock.slept == []


@pytest.mark.parametrize("limit", [0, -1])
def test_no_time_is_no_tick(limit: float) -> None:
    """A wait without time is over at once."""
    assert list(ticks(StepClock(), limit=limit, pause=1)) == []


def test_the_machines_clock_passes_time() -> None:
    """It sleeps at least as long as it is told, and never goes back."""
    clock = SystemClock()
    before = clock.now()
    clock.sleep(0.01)
    assert clock.now() - before >= 0.01
