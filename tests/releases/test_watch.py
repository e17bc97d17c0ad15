"""Waiting for a release, on a clock that costs nothing."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import pytest

from dockyard.model.errors import RolloutError
from dockyard.releases.watch import GRACE, LOG_LINES, PAUSE, look, watch
from dockyard.releases.workload import Verdict
from tests.fakes import FakeClock, FakeKubectl, Recorder
from tests.releases.objects import deployment, manifests, pod, replica_set, runs, service, waits

Look = Sequence[Mapping[str, Any]]

UNREADY = deployment(readyReplicas=0, availableReplicas=0)
CREATING: Look = (UNREADY, replica_set(), pod("web-a", waits("ContainerCreating")))
STARTING: Look = (UNREADY, replica_set(), pod("web-a", runs(ready=False)))
PULLING: Look = (UNREADY, replica_set(), pod("web-a", waits("ErrImagePull", "denied")))
READY: Look = (deployment(), replica_set(), pod("web-a", runs()))


class Wait:
    """One wait over a row of looks, the last again and again.

    Attributes:
        clock: How long it took.
        report: What was told.
        kubectl: What was asked.
    """

    def __init__(self, *looks: Look) -> None:
        self.clock, self.report, self.kubectl = FakeClock(), Recorder(), FakeKubectl(*looks)

    def run(self, *, limit: float = 60) -> Verdict:
        """Wait."""
        sent = manifests(deployment())
        return watch("web", self.kubectl, sent, clock=self.clock, limit=limit, report=self.report)

    def fail(self, *, limit: float = 60) -> RolloutError:
        """Wait in vain."""
        with pytest.raises(RolloutError) as caught:
            self.run(limit=limit)
        return caught.value


def test_what_is_ready_costs_no_wait() -> None:
    """One look, one event, no pause."""
    wait = Wait(READY)
    assert wait.run().ready == 1
    assert wait.clock.now() == 0
    assert [(event.stage, event.text) for event in wait.report.events] == [("Ready", "1 of 1 pods ready")]


def test_what_is_missing_is_told_when_it_changes() -> None:
    """A line that says the same again is no news."""
    wait = Wait(CREATING, CREATING, CREATING, STARTING, STARTING, READY)
    wait.run()
    assert wait.report.passing == ["0 of 1 pods run", "0 of 1 pods are ready"]
    assert wait.clock.now() == pytest.approx(5 * PAUSE)


def test_a_cause_must_stand_for_a_while() -> None:
    """A pod may be short of its image for a moment: only what stays so fails the release."""
    wait = Wait(PULLING)
    error = wait.fail()
    assert GRACE <= wait.clock.now() < GRACE + 2 * PAUSE
    assert error.what == "Release web failed"
    assert error.why.startswith("Container app of pod web-a does not start: its image cannot be pulled")


def test_a_cause_that_goes_away_starts_its_time_anew() -> None:
    """Twice half of the grace is not the grace."""
    almost = [PULLING] * int(GRACE / PAUSE)
    wait = Wait(*almost, STARTING, *almost, READY)
    assert wait.run().ready == 1


def test_a_cause_is_not_told_before_it_stands() -> None:
    """What may be over in a moment is not shown as the state of things."""
    wait = Wait(PULLING, STARTING, READY)
    wait.run()
    assert wait.report.passing == ["0 of 1 pods are ready"]


def test_the_limit_ends_a_wait_without_a_cause() -> None:
    """A readiness probe that never passes gives no cause; the error says what is missing."""
    wait = Wait(STARTING)
    error = wait.fail(limit=10)
    assert error.what == "Release web was not Ready within 10 s"
    assert error.why == "0 of 1 pods are ready"
    assert 10 <= wait.clock.now() <= 10 + PAUSE


def test_the_last_lines_of_both_runs_are_kept() -> None:
    """They go away with the pod; the run before is the one that crashed."""
    crashing = pod("web-b", waits("CrashLoopBackOff", restarts=1, ended={"exitCode": 3}))
    wait = Wait((UNREADY, replica_set(), pod("web-a", runs(ready=False)), crashing))
    wait.kubectl.lines = {("web-b", False): "starting\n", ("web-b", True): "starting\nno database\n"}
    assert wait.fail().why.splitlines()[1:] == [
        "  last lines of pod web-b:",
        "    starting",
        "  last lines of the run before of pod web-b:",
        "    starting",
        "    no database",
    ]


def test_a_cause_without_a_pod_shows_the_logs_of_one() -> None:
    """The progress deadline is the Deployment's; its pods know why they were late."""
    slow = {"type": "Progressing", "status": "False", "reason": "ProgressDeadlineExceeded", "message": "timed out"}
    late = deployment(readyReplicas=0, availableReplicas=0, conditions=[slow])
    wait = Wait((late, replica_set(), pod("web-a", runs(ready=False))))
    wait.kubectl.lines = {("web-a", False): "waiting for the database"}
    assert wait.fail().why == "timed out\n  last lines of pod web-a:\n    waiting for the database"


def test_no_logs_are_asked_where_there_is_no_pod() -> None:
    """A Deployment may not even have made one."""
    wait = Wait((deployment(updatedReplicas=0, readyReplicas=0, availableReplicas=0), replica_set()))
    wait.fail(limit=2)
    assert wait.kubectl.logged == []


def test_the_logs_are_cut() -> None:
    """An error holds the last lines, not the whole log."""
    asked = []

    class Tailing(FakeKubectl):
        def logs(self, pod: str, *, tail: int, previous: bool = False) -> str:
            asked.append(tail)
            return super().logs(pod, tail=tail, previous=previous)

    with pytest.raises(RolloutError):
        watch("web", Tailing(PULLING), manifests(deployment()), clock=FakeClock(), limit=9, report=Recorder())
    assert asked == [LOG_LINES, LOG_LINES]


def test_a_look_judges_workloads_and_services_together() -> None:
    """`status` and `watch` share it."""
    sent = manifests(deployment(), service())
    assert look(FakeKubectl(READY), sent).text == "Service web has no ready endpoint"
