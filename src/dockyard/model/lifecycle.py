"""The life of a deployment (data-model.md, section 6; requirements.md, "Lifecycle") and of an image (section 1)."""

from collections.abc import Mapping
from enum import StrEnum
from types import MappingProxyType
from typing import TypeVar

from dockyard.model.errors import IllegalMoveError


class DeploymentState(StrEnum):
    """How far the deployment of a release is."""

    BUILDING = "Building"
    """Docker images are being built."""
    LOADING = "Loading"
    """Images are being loaded into the node."""
    INSTALLING = "Installing"
    """The chart is being installed."""
    PENDING = "Pending"
    """Pods are made and not ready."""
    RUNNING = "Running"
    """Pods run and are healthy."""
    READY = "Ready"
    """Pods pass their readiness probes and receive traffic."""
    FAILED = "Failed"
    """The deployment failed; a restart or a rollback leads on."""
    UPGRADING = "Upgrading"
    """A rolling update, or the rollback of one, is in progress."""


class ImageState(StrEnum):
    """How far an image is on its way into a pod."""

    BUILT = "Built"
    TAGGED = "Tagged"
    LOADED = "Loaded"
    RUNNING = "Running"


State = TypeVar("State", DeploymentState, ImageState)

_D = DeploymentState

MOVES: Mapping[DeploymentState, frozenset[DeploymentState]] = MappingProxyType(
    {
        _D.BUILDING: frozenset({_D.LOADING, _D.FAILED}),
        _D.LOADING: frozenset({_D.INSTALLING, _D.FAILED}),
        _D.INSTALLING: frozenset({_D.PENDING, _D.FAILED}),
        _D.PENDING: frozenset({_D.RUNNING, _D.FAILED}),
        _D.RUNNING: frozenset({_D.READY, _D.FAILED}),
        # While the images of an upgrade are built the release itself is still Ready: it serves.
        _D.READY: frozenset({_D.UPGRADING, _D.FAILED}),
        _D.UPGRADING: frozenset({_D.PENDING, _D.FAILED}),
        # Restart: the deployment begins again (a failed build has no release to go on with), or only its pods do.
        # Rollback: an upgrade to an earlier revision.
        _D.FAILED: frozenset({_D.BUILDING, _D.PENDING, _D.UPGRADING}),
    }
)
"""Where a deployment may go from each state."""

IMAGE_MOVES: Mapping[ImageState, frozenset[ImageState]] = MappingProxyType(
    {
        ImageState.BUILT: frozenset({ImageState.TAGGED}),
        ImageState.TAGGED: frozenset({ImageState.LOADED}),
        ImageState.LOADED: frozenset({ImageState.RUNNING}),
        ImageState.RUNNING: frozenset(),
    }
)
"""Where an image may go from each state."""


def legal_moves(state: State) -> tuple[State, ...]:
    """Return where a state may go, in the order of the specification's list."""
    table: Mapping[State, frozenset[State]] = MOVES if isinstance(state, DeploymentState) else IMAGE_MOVES
    return tuple(after for after in type(state) if after in table[state])


def move(before: State, after: State) -> State:
    """Return the state after a move.

    Raises:
        IllegalMoveError: The specification has no such move; it names both states and the legal ones.
    """
    legal = legal_moves(before)
    if after not in legal:
        raise IllegalMoveError(before, after, legal)
    return after


def path(before: DeploymentState, after: DeploymentState) -> tuple[DeploymentState, ...]:
    """Return the states that lead from one to another by the shortest legal way, the last one included.

    What watches a cluster may miss a state that lasted a moment; the deployment went through it all the same. Failed
    is on no way but its own.

    Raises:
        IllegalMoveError: There is no such way.
    """
    ways: list[tuple[DeploymentState, ...]] = [(before,)]
    seen = {before}
    while ways:
        way = ways.pop(0)
        for following in legal_moves(way[-1]):
            if following is after:
                return (*way[1:], after)
            if following not in seen and following is not DeploymentState.FAILED:
                seen.add(following)
                ways.append((*way, following))
    raise IllegalMoveError(before, after, legal_moves(before))
