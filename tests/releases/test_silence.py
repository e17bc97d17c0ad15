"""An API server that is silent for a while."""

from __future__ import annotations

from typing import NoReturn

import pytest

from dockyard.model.errors import ApiSilentError, ClusterError, MachineError, ToolError
from dockyard.releases.silence import PATIENCE, PAUSE, TOLD, Silence
from tests.fakes import FakeClock
from tests.releases.server import SILENT


class Story:
    """A silence, and who hears of it.

    Attributes:
        clock: Its clock.
        told: What was told.
        runs: Whether the cluster runs, or what asking for that ends with.
        asked: How often that was asked.
    """

    def __init__(self) -> None:
        self.clock, self.asked = FakeClock(), 0
        self.told: list[str] = []
        self.runs: bool | Exception = True
        self.silence = Silence(self.clock, self._runs, self.told.append)

    def wait_for_ever(self, error: ToolError) -> NoReturn:
        """Ask again and again."""
        while True:
            self.silence.wait(error)

    def _runs(self) -> bool:
        self.asked += 1
        if isinstance(self.runs, Exception):
            raise self.runs
        return self.runs


@pytest.fixture
def story() -> Story:
    """A server that answers."""
    return Story()


def test_a_short_silence_is_nobodys_business(story: Story) -> None:
    """A connection that was refused once: nothing is told, nobody is asked."""
    story.silence.wait(SILENT)
    story.silence.over()
    assert (story.told, story.asked, story.clock.now()) == ([], 0, PAUSE)


def test_a_longer_silence_is_told_once_and_so_is_its_end(story: Story) -> None:
    """With what the connection said."""
    while story.clock.now() < 5 * TOLD:
        story.silence.wait(SILENT)
    story.silence.over()
    story.silence.over()
    assert story.told == ["for the API server: Connection refused", "the API server answers again"]
    assert 3 <= story.asked <= 5


def test_the_length_of_a_silence_is_known(story: Story) -> None:
    """From its first question; none is none."""
    assert story.silence.seconds == 0
    story.silence.met(SILENT)
    story.clock.sleep(7)
    assert story.silence.seconds == 7
    story.silence.over()
    assert story.silence.seconds == 0


def test_a_second_silence_is_another_one(story: Story) -> None:
    """Its own time and its own sentences."""
    for _ in range(2):
        story.silence.met(SILENT)
        story.clock.sleep(TOLD)
        story.silence.met(SILENT)
        story.silence.over()
    assert len(story.told) == 4


def test_a_cluster_that_stopped_ends_the_wait(story: Story) -> None:
    """Within seconds: waiting would not start it."""
    story.runs = False
    with pytest.raises(ClusterError, match="The cluster stopped while it was worked on"):
        story.wait_for_ever(SILENT)
    assert TOLD <= story.clock.now() <= TOLD + 2 * PAUSE


def test_an_engine_that_does_not_say_ends_nothing(story: Story) -> None:
    """Docker is being restarted: the cluster is given the benefit of the doubt."""
    story.runs = MachineError("The Docker engine does not answer")
    story.silence.wait(SILENT)
    story.clock.sleep(TOLD)
    story.silence.wait(SILENT)
    assert story.told == ["for the API server: Connection refused"]


def test_patience_has_an_end(story: Story) -> None:
    """Then the error is the question's own."""
    with pytest.raises(ApiSilentError):
        story.wait_for_ever(SILENT)
    assert PATIENCE <= story.clock.now() <= PATIENCE + PAUSE


def test_any_trouble_of_the_server_is_a_silence(story: Story) -> None:
    """One that just started refuses at first."""
    with pytest.raises(ToolError, match="not yet"):
        story.wait_for_ever(ToolError("not yet"))
