"""A service on its way through the states of the specification."""

from __future__ import annotations

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dockyard.model.errors import IllegalMoveError
from dockyard.model.events import Event, Move, Progress
from dockyard.model.lifecycle import DeploymentState, legal_moves
from dockyard.releases.life import Life
from dockyard.releases.workload import Verdict
from tests.fakes import Recorder

S = DeploymentState


def moves(report: Recorder) -> list[tuple[str | None, str]]:
    """Return from where to where a service went."""
    return [(event.before, event.stage) for event in report.events if isinstance(event, Move)]


def test_where_it_begins_is_told() -> None:
    """Once, with the reason; nothing is known of before."""
    report = Recorder()
    Life("web", S.READY, report, "unchanged")
    assert report.events == [Move("web", "Ready", "unchanged", service="web")]


def test_a_move_is_told_with_where_it_came_from() -> None:
    """With its text."""
    report = Recorder()
    life = Life("web", S.BUILDING, report)
    life.to(S.LOADING, "web:v1")
    assert report.events[1:] == [Move("web", "Loading", "web:v1", service="web", before=S.BUILDING)]
    assert life.state is S.LOADING


def test_states_that_nobody_saw_are_gone_through() -> None:
    """A look may miss one that lasted a moment; the text belongs to where it went."""
    report = Recorder()
    Life("web", S.INSTALLING, report).to(S.READY, "1 of 1 pods ready")
    assert moves(report)[1:] == [("Installing", "Pending"), ("Pending", "Running"), ("Running", "Ready")]
    assert [event.text for event in report.events[1:]] == ["", "", "1 of 1 pods ready"]


def test_to_stay_is_no_move() -> None:
    """Nothing is told."""
    report = Recorder()
    Life("web", S.READY, report).to(S.READY, "still")
    assert len(report.events) == 1


def test_a_move_that_the_specification_lacks_is_refused() -> None:
    """A fault of ours must not look like a fact; nothing is told of it."""
    report = Recorder()
    life = Life("web", S.READY, report)
    with pytest.raises(IllegalMoveError):
        life.to(S.BUILDING)
    assert (life.state, len(report.events)) == (S.READY, 1)


def test_a_note_is_no_move() -> None:
    """It belongs to the service all the same."""
    report = Recorder()
    Life("web", S.PENDING, report).note("Waiting", "for the API server")
    assert report.events[1:] == [Event("web", "Waiting", "for the API server", service="web")]


def test_the_cluster_leads_on() -> None:
    """A verdict that is further moves the service; each is progress, too."""
    report = Recorder()
    life = Life("web", S.UPGRADING, report)
    life.follow(Verdict(S.PENDING, 0, 2, "0 of 2 pods run"))
    life.follow(Verdict(S.RUNNING, 1, 2, "1 of 2 pods are ready"))
    life.follow(Verdict(S.READY, 2, 2))
    assert [stage for _, stage in moves(report)] == ["Upgrading", "Pending", "Running", "Ready"]
    shown = [event for event in report.events if event.passing]
    assert [(event.stage, event.text, event.progress) for event in shown] == [
        ("Pending", "0 of 2 pods run", Progress(0, 2, "pods")),
        ("Running", "1 of 2 pods are ready", Progress(1, 2, "pods")),
        ("Ready", "2 of 2 pods ready", Progress(2, 2, "pods")),
    ]


@pytest.mark.parametrize("verdict", [S.PENDING, S.RUNNING])
def test_the_cluster_never_leads_back(verdict: DeploymentState) -> None:
    """A pod that is not ready for a moment is no move of the specification; it is told as progress."""
    report = Recorder()
    life = Life("web", S.READY, report)
    life.follow(Verdict(verdict, 1, 2, "1 of 2 pods are ready"))
    assert (life.state, len(moves(report))) == (S.READY, 1)
    assert report.passing == ["1 of 2 pods are ready"]


def test_a_release_that_failed_comes_back() -> None:
    """A restart: its pods are made again."""
    report = Recorder()
    Life("web", S.FAILED, report).follow(Verdict(S.READY, 1, 1))
    assert [stage for _, stage in moves(report)] == ["Failed", "Pending", "Running", "Ready"]


def test_a_verdict_of_failure_is_not_followed() -> None:
    """Whoever watches decides when it is one, and says why."""
    report = Recorder()
    life = Life("web", S.PENDING, report)
    life.follow(Verdict(S.FAILED, 0, 1, "it crashes"))
    assert (life.state, report.passing) == (S.PENDING, ["it crashes"])


@given(st.sampled_from([S.INSTALLING, S.UPGRADING, S.PENDING, S.FAILED]), st.lists(st.sampled_from(S), max_size=8))
def test_every_move_is_one_of_the_specification(start: DeploymentState, verdicts: list[DeploymentState]) -> None:
    """Whatever the cluster says, in whatever order."""
    report = Recorder()
    life = Life("web", start, report)
    for verdict in verdicts:
        life.follow(Verdict(verdict, 0, 1))
    told = [event for event in report.events if isinstance(event, Move)]
    for before, move in pairwise(told):
        assert move.before == before.stage
        assert S(move.stage) in legal_moves(S(before.stage))
