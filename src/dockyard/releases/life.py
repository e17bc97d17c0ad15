"""A service on its way through the states of the specification; each move is an event."""

from __future__ import annotations

from typing import TYPE_CHECKING

from dockyard.model.events import Event, Move, Progress
from dockyard.model.lifecycle import DeploymentState, path

if TYPE_CHECKING:
    from dockyard.model.events import Report
    from dockyard.releases.workload import Verdict

_ORDER = (DeploymentState.PENDING, DeploymentState.RUNNING, DeploymentState.READY)


class Life:
    """One service.

    Attributes:
        release: Its release.
        state: The state it is in.
    """

    def __init__(self, release: str, state: DeploymentState, report: Report, text: str = "") -> None:
        self.release, self.state, self._report = release, state, report
        report(Move(release, state, text, service=release))

    def to(self, state: DeploymentState, text: str = "") -> None:
        """Go to a state, through those on the way that nobody saw; to stay is no move.

        Raises:
            IllegalMoveError: The specification has no such way.
        """
        if state is self.state:
            return
        for following in path(self.state, state):
            said = text if following is state else ""
            self._report(Move(self.release, following, said, service=self.release, before=self.state))
            self.state = following

    def note(self, stage: str, text: str) -> None:
        """Tell something that is no move."""
        self._report(Event(self.release, stage, text, service=self.release))

    def follow(self, verdict: Verdict) -> None:
        """Go where the cluster says that the service is, never backwards: the specification has no such moves."""
        if verdict.state in _ORDER and self.state in _ORDER:
            if _ORDER.index(verdict.state) > _ORDER.index(self.state):
                self.to(verdict.state, _pods(verdict))
        elif verdict.state in _ORDER:
            self.to(verdict.state, _pods(verdict))
        pods = Progress(verdict.ready, verdict.wanted, "pods")
        text = verdict.text or _pods(verdict)
        self._report(Event(self.release, self.state, text, passing=True, service=self.release, progress=pods))


def _pods(verdict: Verdict) -> str:
    return f"{verdict.ready} of {verdict.wanted} pods ready" if verdict.wanted else ""
