"""An API server that is silent for a while: waited for, told once, and given up where the cluster itself is gone."""

from __future__ import annotations

from typing import TYPE_CHECKING

from dockyard.model.errors import ClusterError, DockyardError

if TYPE_CHECKING:
    from collections.abc import Callable

    from dockyard.model.errors import ToolError
    from dockyard.tools.clock import Clock

TOLD = 2.0
"""Seconds of silence after which it is told, and the cluster asked for; again as often."""

PATIENCE = 90.0
"""Seconds that a single question is asked again."""

PAUSE = 0.3


class Silence:
    """The silence of an API server, from the first question that it did not answer.

    Args:
        clock: The clock to wait by.
        runs: Tells whether the cluster runs at all.
        tell: Told once that the server is waited for, and that it answers again.
    """

    def __init__(self, clock: Clock, runs: Callable[[], bool], tell: Callable[[str], None]) -> None:
        self._clock, self._runs, self._tell = clock, runs, tell
        self._since: float | None = None
        self._asked, self._told = 0.0, False

    @property
    def seconds(self) -> float:
        """How long it lasts; 0 where the server answers."""
        return 0.0 if self._since is None else self._clock.now() - self._since

    def met(self, error: ToolError) -> None:
        """Take note that a question was not answered.

        Raises:
            ClusterError: The cluster does not run any more.
        """
        now = self._clock.now()
        if self._since is None:
            self._since = self._asked = now
        if now - self._asked < TOLD:
            return
        self._asked = now
        if not self._is_running():
            raise ClusterError(
                "The cluster stopped while it was worked on",
                why=error.why,
                fix="Run `./inv deploy` again: it starts the cluster and goes on from where things are",
            )
        if not self._told:
            self._told = True
            self._tell(f"for the API server: {error.why}")

    def over(self) -> None:
        """Take note that the server answers."""
        if self._told:
            self._tell("the API server answers again")
        self._since, self._told = None, False

    def wait(self, error: ToolError) -> None:
        """Wait until a question may be asked again.

        Raises:
            ClusterError: The cluster does not run any more.
            ToolError: The error, after PATIENCE seconds.
        """
        self.met(error)
        if self.seconds >= PATIENCE:
            raise error
        self._clock.sleep(PAUSE)

    def _is_running(self) -> bool:
        """Tell whether the cluster runs; where its engine does not say, it is given the benefit of the doubt."""
        try:
            return self._runs()
        except DockyardError:
            return True
