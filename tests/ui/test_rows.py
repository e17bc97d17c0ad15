"""What the board knows of each service."""

from __future__ import annotations

import pytest

from dockyard.model.events import Diagnosed, Event, Move, Progress, Step
from dockyard.model.lifecycle import DeploymentState
from dockyard.ui.rows import WAITING, Row, after, fitting, going, summary
from tests.ui.samples import DIAGNOSED, stamped

STEPS = Progress(3, 9, "steps")
PODS = Progress(1, 2, "pods")


def row_after(*events: Event) -> Row:
    """Return a row after events, a second each."""
    row = Row("api")
    for at, event in enumerate(events, start=1):
        row = after(row, stamped(event, at))
    return row


def building(text: str = "RUN pip") -> Event:
    """Return progress of a build."""
    return Event("api-image", "Building", text, passing=True, service="api", progress=STEPS)


def move(state: DeploymentState, text: str = "", progress: Progress | None = None) -> Event:
    """Return a move."""
    return Move("api", state, text, service="api", progress=progress)


READY, PENDING = DeploymentState.READY, DeploymentState.PENDING


@pytest.mark.parametrize(
    ("events", "row"),
    [
        ([], Row("api")),
        ([move(PENDING, "0 of 2", PODS)], Row("api", "Pending", 1, progress=PODS, text="0 of 2")),
        ([move(READY), building()], Row("api", "Ready", 1, doing="Building", progress=STEPS, text="RUN pip")),
        ([move(DeploymentState.BUILDING), building()], Row("api", "Building", 1, progress=STEPS, text="RUN pip")),
        ([building(), move(DeploymentState.LOADING)], Row("api", "Loading", 2)),
        ([move(PENDING), move(PENDING, "1 of 2")], Row("api", "Pending", 1, text="1 of 2")),
        ([move(PENDING), DIAGNOSED], Row("api", "Failed", 2, text="container app ended with exit code 3 twice")),
        ([move(PENDING), Diagnosed("api", "Failed", "why", service="api")], Row("api", "Failed", 2, text="why")),
        ([Event("api", "Unchanged", "all is there", service="api")], Row("api", "Unchanged", 1, text="all is there")),
        (
            [move(READY), building(), Event("img", "Built", service="api")],
            Row("api", "Ready", 1, "Building", text="Built"),
        ),
        (
            [move(PENDING), Event("api", "Warning", "no\x1b[31m probe", service="api")],
            Row("api", "Pending", 1, text="Warning: no probe"),
        ),
    ],
)
def test_an_event_changes_a_row(events: list[Event], row: Row) -> None:
    """State and the time of its begin, what runs, how far it is, and the last words."""
    assert row_after(*events) == row


def test_a_step_is_what_is_done_until_it_ends() -> None:
    """Its progress goes with it; the last words stay."""
    begin = Step("api-image", "build", service="api", step="build")
    end = Step("api-image", "build", service="api", step="build", ended=True)
    assert row_after(move(READY), begin).doing == "build"
    assert row_after(move(READY), begin, building(), end) == Row("api", "Ready", 1, text="RUN pip")


@pytest.mark.parametrize(
    ("row", "busy"),
    [
        (Row("a"), False),
        (Row("a", "Ready"), False),
        (Row("a", "Failed"), False),
        (Row("a", "Ready", doing="Building"), True),
        (Row("a", "Pending"), True),
        (Row("a", "Upgrading"), True),
    ],
)
def test_a_row_is_busy_while_something_is_done(row: Row, busy: object) -> None:
    """A service that waits or serves is not."""
    assert row.busy is busy


def test_work_for_no_service_has_a_row_of_its_own() -> None:
    """Its time is that of its stage."""

    def starting(stage: str, at: float) -> Row:
        return going(first, stamped(Event("cluster", stage, f"{at}", passing=True), at))

    first = going(None, stamped(Event("cluster", "Starting", "1.0", passing=True), 1.0))
    assert first == Row("cluster", "Starting", 1.0, text="1.0")
    assert starting("Starting", 3.0) == Row("cluster", "Starting", 1.0, text="3.0")
    assert starting("Waiting", 3.0) == Row("cluster", "Waiting", 3.0, text="3.0")


def test_the_rows_that_matter_are_shown_first() -> None:
    """Busy ones, then those that failed; in their order, and with a line for the others."""
    rows = [Row("a", "Ready"), Row("b", "Failed"), Row("c", "Ready"), Row("d", "Pending"), Row("e")]
    assert fitting(rows, 5) == tuple(rows)
    assert [row.name for row in fitting(rows, 4)] == ["a", "b", "d"]
    assert [row.name for row in fitting(rows, 3)] == ["b", "d"]
    assert [row.name for row in fitting(rows, 2)] == ["d"]
    assert fitting(rows, 1) == fitting(rows, 0) == ()


def test_rows_are_counted_by_state() -> None:
    """One line for many."""
    assert summary([Row("a", "Ready"), Row("b"), Row("c", "Ready")]) == f"2 Ready, 1 {WAITING}"
    assert summary([]) == ""
