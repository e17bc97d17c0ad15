"""Steps in the event stream."""

from __future__ import annotations

import pytest

from dockyard.deploy.steps import Steps
from dockyard.model.errors import BuildError, RefusedError
from dockyard.model.events import Event, Step
from tests.fakes import Recorder

IMAGES = {"web": "web-image", "jobs": "web-image", "mail": None}


def nothing() -> None:
    """Refuse nothing."""


def test_work_on_an_image_is_shown_with_the_first_release_that_runs_it() -> None:
    """Others that run it fail with it too."""
    steps = Steps(Recorder(), IMAGES, nothing)
    assert (steps.service("web-image"), steps.users("web-image")) == ("web", ("web", "jobs"))


def test_events_get_the_release_that_they_are_for() -> None:
    """Unless they name one."""
    report = Recorder()
    tell = Steps(report, IMAGES, nothing).report_for("web")
    tell(Event("web-image", "Building"))
    tell(Event("web-image", "Building", service="jobs"))
    assert [event.service for event in report.events] == ["web", "jobs"]


def test_a_step_is_reported_when_it_begins_and_ends() -> None:
    """With what the work returns; its begin is reported before the work."""
    report = Recorder()

    def work() -> str:
        assert len(report.events) == 1
        return "revision 3"

    Steps(report, IMAGES, nothing).run("web", "release", work)
    assert report.events == [
        Step("web", "release", service="web", step="release"),
        Step("web", "release", "revision 3", service="web", step="release", ended=True),
    ]


def test_a_step_that_fails_has_ended_badly() -> None:
    """Else a timeline would show it as going on."""
    report = Recorder()

    def fail() -> None:
        raise BuildError("broken")

    with pytest.raises(BuildError):
        Steps(report, IMAGES, nothing).run("web", "build", fail)
    assert report.events[-1] == Step("web", "build", service="web", step="build", ended=True, ok=False)


def test_a_step_that_may_not_begin_is_not_reported() -> None:
    """The lock may be lost."""
    report = Recorder()

    def refuse() -> None:
        raise RefusedError("The lock was lost")

    with pytest.raises(RefusedError):
        Steps(report, IMAGES, refuse).run("web", "build", lambda: pytest.fail("It was begun"))
    assert report.events == []
