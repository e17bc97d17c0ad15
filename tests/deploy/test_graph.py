"""Work in parallel, each piece after those that it needs."""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from concurrent.futures import wait
from typing import Any

import pytest

from dockyard.deploy import graph
from dockyard.deploy.graph import Piece, carry_out
from dockyard.model.errors import BuildError, DockyardError, LeftFailedError, RolloutError, StoppedError

LIMIT = 20.0
"""Seconds after which threads that should have met never will."""


class Work:
    """Pieces that note when they begin and end.

    Attributes:
        log: `begin a`, `end a`, in order.
        most: How many ran at a time, at most.
    """

    def __init__(self) -> None:
        self.log: list[str] = []
        self.most = self._running = 0
        self._guard = threading.Lock()

    def piece(self, name: str, *needs: str, during: Callable[[], object] = lambda: None) -> Piece:
        """Return a piece that does something between its begin and its end."""

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

        return Piece(name, frozenset(needs), run)


@pytest.fixture
def work() -> Work:
    """Return what keeps a log."""
    return Work()


def fail(error: Exception) -> Callable[[], None]:
    """Return work that fails."""

    def run() -> None:
        raise error

    return run


def test_a_piece_begins_when_those_that_it_needs_have_ended(work: Work) -> None:
    """Whatever the order in which they are given."""
    carry_out([work.piece("c", "b"), work.piece("b", "a"), work.piece("a")], jobs=4)
    assert work.log == ["begin a", "end a", "begin b", "end b", "begin c", "end c"]


def test_pieces_that_need_nothing_of_each_other_overlap(work: Work) -> None:
    """Each waits inside its own work until the other one is inside too."""
    both = threading.Barrier(2, timeout=LIMIT)
    carry_out([work.piece("a", during=both.wait), work.piece("b", during=both.wait)], jobs=2)
    assert work.most == 2


def test_a_piece_begins_at_once_when_its_own_needs_are_done(work: Work) -> None:
    """Not when all of an earlier wave are: `slow` ends only after what needs `quick` has begun."""
    begun = threading.Event()
    carry_out(
        [
            work.piece("quick"),
            work.piece("slow", during=lambda: begun.wait(LIMIT)),
            work.piece("next", "quick", during=begun.set),
        ],
        jobs=3,
    )
    assert work.log.index("begin next") < work.log.index("end slow")


@pytest.mark.parametrize(("jobs", "most"), [(0, 1), (1, 1), (2, 2)])
def test_no_more_run_at_a_time_than_were_asked_for(work: Work, jobs: int, most: int) -> None:
    """None would be no work at all, so it is one."""
    barrier = threading.Barrier(most, timeout=LIMIT)
    carry_out([work.piece(str(index), during=barrier.wait) for index in range(4)], jobs=jobs)
    assert (work.most, len(work.log)) == (most, 8)


def test_one_at_a_time_keeps_the_order_that_was_given(work: Work) -> None:
    """Where several may begin, the first ones do."""
    carry_out([work.piece(name) for name in "dbca"], jobs=1)
    assert [entry for entry in work.log if entry.startswith("begin")] == ["begin d", "begin b", "begin c", "begin a"]


def test_a_need_that_nobody_provides_is_done(work: Work) -> None:
    """An image that is not built needs no build; no piece waits for ever."""
    carry_out([work.piece("a", "build x", "checks")], jobs=1)
    assert work.log == ["begin a", "end a"]


def test_nothing_to_do_ends_at_once() -> None:
    """A plan may be empty."""
    carry_out([], jobs=4)


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

    pieces = [
        work.piece("a", during=break_off),
        work.piece("b", during=go_on),
        work.piece("needs-a", "a"),
        work.piece("needs-b", "b"),
        work.piece("free"),
    ]
    with pytest.raises(RolloutError, match="Release a failed"):
        carry_out(pieces, jobs=2)
    assert sorted(work.log) == ["begin a", "begin b", "end a", "end b"]


@pytest.fixture
def later(monkeypatch: pytest.MonkeyPatch) -> threading.Event:
    """Set once the first of two pieces was seen to have ended: when the other one alone is waited for."""
    seen = threading.Event()

    def counting(futures: Any, timeout: float, **options: Any) -> Any:  # noqa: ANN401 - as the real one
        if len(futures) == 1:
            seen.set()
        return wait(futures, timeout, **options)

    monkeypatch.setattr(graph, "wait", counting)
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
        carry_out([work.piece("a", during=fail_later), work.piece("b", during=fail(first))], jobs=2)
    assert (caught.value.what, len(work.log)) == (told, 4)


def test_a_stop_alone_is_told_as_one() -> None:
    """A wait that was ended by a signal raises in its own thread."""
    with pytest.raises(StoppedError):
        carry_out([Piece("a", frozenset(), fail(StoppedError("Stopped")))], jobs=1)


def test_an_interrupt_waits_for_what_runs(work: Work, monkeypatch: pytest.MonkeyPatch) -> None:
    """Ctrl-C is raised where the pieces are waited for, with a limit each; what runs ends, nothing begins."""
    waited: list[int] = []
    going = threading.Event()

    def interrupted(futures: Any, timeout: float, **options: Any) -> Any:  # noqa: ANN401 - as the real one
        waited.append(len(futures))
        if len(waited) == 1:
            raise KeyboardInterrupt
        going.set()
        return wait(futures, timeout, **options)

    monkeypatch.setattr(graph, "wait", interrupted)
    pieces: Sequence[Piece] = [work.piece("a", during=lambda: going.wait(LIMIT)), work.piece("b", "a")]
    with pytest.raises(StoppedError) as caught:
        carry_out(pieces, jobs=2)
    assert (caught.value.exit_code, work.log, waited[:2]) == (130, ["begin a", "end a"], [1, 1])
