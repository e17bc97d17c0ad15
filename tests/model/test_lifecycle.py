"""The life of a deployment."""

from __future__ import annotations

from itertools import pairwise, product

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dockyard.model.errors import IllegalMoveError, RuleError
from dockyard.model.lifecycle import DeploymentState, ImageState, legal_moves, move, path

S = DeploymentState

CHAIN = (S.BUILDING, S.LOADING, S.INSTALLING, S.PENDING, S.RUNNING, S.READY)

SPECIFIED = {
    *pairwise(CHAIN),
    *((state, S.FAILED) for state in (*CHAIN, S.UPGRADING)),
    (S.READY, S.UPGRADING),
    (S.UPGRADING, S.PENDING),
    (S.FAILED, S.UPGRADING),
    (S.FAILED, S.BUILDING),
    (S.FAILED, S.PENDING),
}
"""Written from the texts, not from the table: the chain, a failure from any, upgrade, rollback, restart."""

states = st.sampled_from(DeploymentState)


def test_the_states_are_the_specifications() -> None:
    """There are eight, with the names of data-model.md."""
    assert [state.value for state in DeploymentState] == [
        "Building",
        "Loading",
        "Installing",
        "Pending",
        "Running",
        "Ready",
        "Failed",
        "Upgrading",
    ]


@pytest.mark.parametrize(("before", "after"), list(product(DeploymentState, repeat=2)))
def test_a_move_is_legal_exactly_where_the_specification_has_it(before: S, after: S) -> None:
    """All 64 pairs: the specified ones pass, the others are refused with both states and the legal ones."""
    if (before, after) in SPECIFIED:
        assert move(before, after) is after
        return
    with pytest.raises(IllegalMoveError) as caught:
        move(before, after)
    error = caught.value
    assert (error.before, error.after) == (before, after)
    assert set(error.legal) == {there for here, there in SPECIFIED if here is before}
    assert f"{before} cannot become {after}." in str(error)
    assert all(legal in str(error) for legal in error.legal)


@given(st.lists(states, min_size=1, max_size=30))
def test_no_path_leaves_the_legal_moves(asked: list[S]) -> None:
    """However moves are asked for, the states passed through are joined by specified moves only."""
    passed = [S.BUILDING]
    for state in asked:
        try:
            passed.append(move(passed[-1], state))
        except IllegalMoveError:
            assert (passed[-1], state) not in SPECIFIED
    assert set(pairwise(passed)) <= SPECIFIED


@given(st.data())
def test_a_deployment_is_never_stuck(data: st.DataObject) -> None:
    """From every state that legal moves reach, Ready can be reached again."""
    state = S.BUILDING
    for _ in range(data.draw(st.integers(0, 20))):
        state = move(state, data.draw(st.sampled_from(legal_moves(state))))
    reached = {state}
    for _ in DeploymentState:
        reached |= {after for here in reached for after in legal_moves(here)}
    assert S.READY in reached


def test_ready_is_reached_through_the_whole_chain_only() -> None:
    """Nothing is Ready that was not Pending and Running just before, on a first install and on an upgrade alike."""
    assert [here for here in DeploymentState if S.READY in legal_moves(here)] == [S.RUNNING]
    assert [here for here in DeploymentState if S.RUNNING in legal_moves(here)] == [S.PENDING]


def test_an_image_goes_one_way() -> None:
    """Built, tagged, loaded, running; and nowhere from there."""
    assert [legal_moves(state) for state in ImageState] == [
        (ImageState.TAGGED,),
        (ImageState.LOADED,),
        (ImageState.RUNNING,),
        (),
    ]
    with pytest.raises(RuleError, match="Legal from Running: nothing"):
        move(ImageState.RUNNING, ImageState.BUILT)


WAYS = {
    "a missed state": (S.PENDING, S.READY, (S.RUNNING, S.READY)),
    "a rollback": (S.FAILED, S.READY, (S.PENDING, S.RUNNING, S.READY)),
    "a failure": (S.BUILDING, S.FAILED, (S.FAILED,)),
    "an upgrade": (S.READY, S.RUNNING, (S.UPGRADING, S.PENDING, S.RUNNING)),
}


@pytest.mark.parametrize(("before", "after", "way"), WAYS.values(), ids=WAYS)
def test_a_state_that_was_missed_is_passed_through(before: S, after: S, way: tuple[S, ...]) -> None:
    """The shortest legal way, and through Failed only where that is its end."""
    assert path(before, after) == way
    assert set(pairwise((before, *way))) <= SPECIFIED


def test_there_is_no_way_that_the_specification_has_not() -> None:
    """Nothing becomes Installing but by loading."""
    with pytest.raises(IllegalMoveError, match="Ready cannot become Installing"):
        path(S.READY, S.INSTALLING)
