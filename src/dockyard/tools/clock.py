"""Time as a port: who waits is given a clock, so that no test sleeps."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Protocol

from dockyard.tools import stop

if TYPE_CHECKING:
    from collections.abc import Iterator


class Clock(Protocol):
    """What waiting needs."""

    def now(self) -> float:
        """Return seconds since some fixed moment; never goes back."""

    def sleep(self, seconds: float) -> None:
        """Let that many seconds pass."""


class SystemClock:
    """The machine's clock."""

    def now(self) -> float:
        """Return the monotonic clock's seconds."""
        return time.monotonic()

    def sleep(self, seconds: float) -> None:
        """Sleep.

        Raises:
            StoppedError: Somebody asked to stop meanwhile.
        """
        stop.pause(seconds)


def ticks(clock: Clock, *, limit: float, pause: float) -> Iterator[float]:
    """Yield the seconds gone by, at once and then after each pause, until the limit.

    A wait reads `for _ in ticks(...)`: it returns from inside the loop; what stands behind the loop is the time-out.
    """
    start = clock.now()
    while (gone := clock.now() - start) < limit:
        yield gone
        clock.sleep(pause)
