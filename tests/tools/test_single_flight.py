"""Work that is done once for all threads that ask for it at the same time."""

from __future__ import annotations

import threading
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor

import pytest

from dockyard.tools.single_flight import SingleFlight

LIMIT = 20.0
"""Seconds after which threads that should have met never will."""


def no_wait() -> None:
    """Fail a test in which no thread should wait for another one."""
    pytest.fail("It waited for another thread")


def both(work: Callable[[], int]) -> tuple[Future[int], Future[int]]:
    """Ask for one key in two threads: the first works until the second one waits."""
    flight: SingleFlight[int] = SingleFlight()
    begun, waiting = threading.Event(), threading.Event()

    def slow() -> int:
        begun.set()
        assert waiting.wait(LIMIT)
        return work()

    with ThreadPoolExecutor(2) as pool:
        first = pool.submit(flight.do, "a", slow, on_wait=no_wait)
        assert begun.wait(LIMIT)
        return first, pool.submit(flight.do, "a", lambda: pytest.fail("It was done twice"), on_wait=waiting.set)


def test_threads_share_one_result() -> None:
    """The second thread waits and does not work itself."""
    assert [future.result() for future in both(lambda: 7)] == [7, 7]


def test_threads_share_one_error() -> None:
    """Work that failed a moment ago would fail again, only later."""
    error = ValueError("no mirror")

    def fail() -> int:
        raise error

    assert [future.exception() for future in both(fail)] == [error, error]


def test_nothing_is_remembered() -> None:
    """A later call works again, after a result as after an error."""
    flight: SingleFlight[int] = SingleFlight()
    with pytest.raises(ZeroDivisionError):
        flight.do("a", lambda: 1 // 0, on_wait=no_wait)
    assert flight.do("a", lambda: 1, on_wait=no_wait) == 1
    assert flight.do("a", lambda: 2, on_wait=no_wait) == 2


def test_different_keys_are_worked_on_in_parallel() -> None:
    """Each of two threads waits inside its work until the other one is inside too."""
    flight: SingleFlight[int] = SingleFlight()
    met = threading.Barrier(2, timeout=LIMIT)
    with ThreadPoolExecutor(2) as pool:
        futures = [pool.submit(flight.do, key, met.wait, on_wait=no_wait) for key in "ab"]
    assert sorted(future.result() for future in futures) == [0, 1]


def test_work_may_ask_for_other_work() -> None:
    """An image is built after the one that it is built from."""
    flight: SingleFlight[int] = SingleFlight()

    def outer() -> int:
        return flight.do("b", lambda: 2, on_wait=no_wait) + 1

    assert flight.do("a", outer, on_wait=no_wait) == 3
