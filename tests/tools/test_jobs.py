"""Running jobs in parallel along their dependencies."""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from concurrent.futures import wait
from dataclasses import replace
from graphlib import CycleError
from typing import Any

import pytest

from dockyard.model.errors import BuildError, DockyardError, LeftFailedError, RolloutError, StoppedError
from dockyard.tools import jobs as module
from dockyard.tools.jobs import Job, run_jobs

LIMIT = 20.0
"""Seconds after which threads that should have met never will."""


class Work:
    """Jobs that log when they begin and end.

    Attributes:
        log: `begin a`, `end a`, in order.
        most: How many ran at a time, at most.
    """

    def __init__(self) -> None:
        self.log: list[str] = []
        self.most = self._running = 0
        self._guard = threading.Lock()

    def job(self, name: str, *needs: str, during: Callable[[], object] = lambda: None) -> Job:
        """Return a job that calls a function between its begin and its end."""

        def run() -> None:
            with self._guard:
                self.log.append(f"begin {name}")
                self._running += 1
                self.most = max(self.most, self._running)
            try:
                during()
            finally:
                with self._guard:
                    self._running -= 1
                    self.log.append(f"end {name}")

        return Job(name, frozenset(needs), run)


@pytest.fixture
def work() -> Work:
    """Return what keeps a log."""
    return Work()


def fail(error: Exception) -> Callable[[], None]:
    """Return work that fails."""

    def run() -> None:
        raise error

    return run


def test_a_job_begins_when_those_that_it_needs_have_ended(work: Work) -> None:
    """The order in which the jobs are given does not matter."""
    run_jobs([work.job("c", "b"), work.job("b", "a"), work.job("a")], limit=4)
    assert work.log == ["begin a", "end a", "begin b", "end b", "begin c", "end c"]


def test_jobs_that_need_nothing_of_each_other_overlap(work: Work) -> None:
    """Each waits inside its own work until the other one is inside too."""
    both = threading.Barrier(2, timeout=LIMIT)
    run_jobs([work.job("a", during=both.wait), work.job("b", during=both.wait)], limit=2)
    assert work.most == 2


def test_a_job_begins_at_once_when_its_own_needs_are_done(work: Work) -> None:
    """Not when all of an earlier wave are: `slow` ends only after what needs `quick` has begun."""
    begun = threading.Event()
    run_jobs(
        [
            work.job("quick"),
            work.job("slow", during=lambda: begun.wait(LIMIT)),
            work.job("next", "quick", during=begun.set),
        ],
        limit=3,
    )
    assert work.log.index("begin next") < work.log.index("end slow")


def test_uncounted_jobs_run_beside_the_limit(work: Work) -> None:
    """A cluster that starts for minutes does not take the place of a build."""
    both = threading.Barrier(3, timeout=LIMIT)
    jobs = [work.job(name, during=both.wait) for name in "abc"]
    run_jobs([replace(jobs[0], counted=False), replace(jobs[1], counted=False), jobs[2]], limit=1)
    assert work.most == 3


def test_the_limit_holds_for_counted_jobs_alone(work: Work) -> None:
    """A second counted job waits although only one counted job runs."""
    gone = threading.Event()
    jobs = [
        replace(work.job("cluster", during=lambda: gone.wait(LIMIT)), counted=False),
        work.job("a"),
        work.job("b", during=gone.set),
    ]
    run_jobs(jobs, limit=1)
    assert work.log.index("end a") < work.log.index("begin b") < work.log.index("end cluster")


def test_a_cycle_is_an_error_before_anything_runs(work: Work) -> None:
    """Such jobs would wait for each other for ever."""
    with pytest.raises(CycleError):
        run_jobs([work.job("a", "b"), work.job("b", "a"), work.job("c")], limit=2)
    assert work.log == []


@pytest.mark.parametrize(("jobs", "most"), [(0, 1), (1, 1), (2, 2)])
def test_no_more_run_at_a_time_than_were_asked_for(work: Work, jobs: int, most: int) -> None:
    """None would be no work at all, so it is one."""
    barrier = threading.Barrier(most, timeout=LIMIT)
    run_jobs([work.job(str(index), during=barrier.wait) for index in range(4)], limit=jobs)
    assert (work.most, len(work.log)) == (most, 8)


def test_one_at_a_time_keeps_the_order_that_was_given(work: Work) -> None:
    """Where several may begin, the first ones do."""
    run_jobs([work.job(name) for name in "dbca"], limit=1)
    assert [entry for entry in work.log if entry.startswith("begin")] == ["begin d", "begin b", "begin c", "begin a"]


def test_a_need_that_nobody_provides_is_done(work: Work) -> None:
    """An image that is not built needs no build, and no job waits for one that does not exist."""
    run_jobs([work.job("a", "build x", "checks")], limit=1)
    assert work.log == ["begin a", "end a"]


def test_nothing_to_do_ends_at_once() -> None:
    """A plan may be empty."""
    run_jobs([], limit=4)


def test_after_a_failure_what_runs_is_ended_and_nothing_begins(work: Work) -> None:
    """A rollout that is half way is not left alone; what needs the failed one, and what needs nothing, stay undone."""
    failing, beside = threading.Event(), threading.Event()

    def break_off() -> None:
        assert beside.wait(LIMIT)
        failing.set()
        raise RolloutError("Release a failed")

    def go_on() -> None:
        beside.set()
        assert failing.wait(LIMIT)

    jobs = [
        work.job("a", during=break_off),
        work.job("b", during=go_on),
        work.job("needs-a", "a"),
        work.job("needs-b", "b"),
        work.job("free"),
    ]
    with pytest.raises(RolloutError, match="Release a failed"):
        run_jobs(jobs, limit=2)
    assert sorted(work.log) == ["begin a", "begin b", "end a", "end b"]


@pytest.fixture
def later(monkeypatch: pytest.MonkeyPatch) -> threading.Event:
    """Set once the first of two jobs was seen to have ended: when the other one alone is waited for."""
    seen = threading.Event()

    def counting(futures: Any, timeout: float, **options: Any) -> Any:  # noqa: ANN401 - as the real one
        if len(futures) == 1:
            seen.set()
        return wait(futures, timeout, **options)

    monkeypatch.setattr(module, "wait", counting)
    return seen


@pytest.mark.parametrize(
    ("first", "second", "told"),
    [
        (BuildError("early"), RolloutError("late"), "early"),
        (StoppedError("Stopped"), BuildError("it broke"), "it broke"),
        (BuildError("it broke"), StoppedError("Stopped"), "it broke"),
        (RolloutError("taken back"), LeftFailedError("left broken"), "left broken"),
        (LeftFailedError("left broken"), RolloutError("taken back"), "left broken"),
    ],
    ids=[
        *("what failed first", "a stop is no reason", "a stop after it is none either"),
        *("what is broken before what is not", "whichever comes first"),
    ],
)
def test_one_reason_is_told_of_several(
    work: Work, later: threading.Event, first: Exception, second: Exception, told: str
) -> None:
    """The first one, but that somebody stopped the rest is no reason of its own."""

    def fail_later() -> None:
        assert later.wait(LIMIT)
        raise second

    with pytest.raises(DockyardError) as caught:
        run_jobs([work.job("a", during=fail_later), work.job("b", during=fail(first))], limit=2)
    assert (caught.value.what, len(work.log)) == (told, 4)


def test_a_stop_alone_is_told_as_one() -> None:
    """A wait that was ended by a signal raises in its own thread."""
    with pytest.raises(StoppedError):
        run_jobs([Job("a", frozenset(), fail(StoppedError("Stopped")))], limit=1)


def test_an_interrupt_waits_for_what_runs(work: Work, monkeypatch: pytest.MonkeyPatch) -> None:
    """Ctrl-C is raised where the jobs are waited for, with a limit each; what runs ends, nothing begins."""
    waited: list[int] = []
    going = threading.Event()

    def interrupted(futures: Any, timeout: float, **options: Any) -> Any:  # noqa: ANN401 - as the real one
        waited.append(len(futures))
        if len(waited) == 1:
            raise KeyboardInterrupt
        going.set()
        return wait(futures, timeout, **options)

    monkeypatch.setattr(module, "wait", interrupted)
    jobs: Sequence[Job] = [work.job("a", during=lambda: going.wait(LIMIT)), work.job("b", "a")]
    with pytest.raises(StoppedError) as caught:
        run_jobs(jobs, limit=2)
    assert (caught.value.exit_code, work.log, waited[:2]) == (130, ["begin a", "end a"], [1, 1])
