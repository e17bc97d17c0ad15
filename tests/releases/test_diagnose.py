"""The evidence for a cause, gathered before it goes away with its pods."""

from __future__ import annotations

import pytest

from dockyard.model.diagnosis import Cause, CauseKind, Diagnosis, Evidence
from dockyard.model.errors import ApiRefusedError
from dockyard.releases.diagnose import LOG_LINES, diagnose
from tests.releases.server import SILENT, Server

CAUSE = Cause(CauseKind.CRASH_LOOP, "it ends", pod="web-a", container="app")


def test_both_runs_of_the_container_are_kept() -> None:
    """A crash loop's own run may have written nothing yet: the one before has the reason."""
    server = Server()
    server.lines = {("web-a", "app", False): "starting\n", ("web-a", "app", True): "starting\nno database\n\n"}
    assert diagnose("web", CAUSE, server) == Diagnosis(
        "web",
        CAUSE,
        (
            Evidence("Last lines of container app of pod web-a", ("starting",)),
            Evidence("Last lines of the run before, container app of pod web-a", ("starting", "no database")),
        ),
    )
    assert server.asked == [f"logs web-a {LOG_LINES}"] * 2


def test_a_run_without_lines_is_no_evidence() -> None:
    """Nor is one that never was."""
    assert diagnose("web", CAUSE, Server()).evidence == ()


def test_a_cause_without_a_pod_asks_for_no_lines() -> None:
    """A quota lets none be made."""
    server = Server()
    assert diagnose("web", Cause(CauseKind.QUOTA, "no more pods"), server).evidence == ()
    assert server.asked == []


def test_a_pod_without_a_known_container_is_named_alone() -> None:
    """One that took too long, say."""
    server = Server()
    server.lines = {("web-a", "", False): "waiting for the database"}
    (found,) = diagnose("web", Cause(CauseKind.TIMEOUT, "late", pod="web-a"), server).evidence
    assert found.title == "Last lines of pod web-a"


def test_no_more_is_kept_than_is_shown() -> None:
    """A server may give more than it was asked for."""
    server = Server()
    server.lines = {("web-a", "app", False): "\n".join(map(str, range(50)))}
    (found,) = diagnose("web", CAUSE, server).evidence
    assert found.lines == tuple(map(str, range(30, 50)))


@pytest.mark.parametrize("trouble", [SILENT, ApiRefusedError(500, "InternalError", "no")], ids=["silent", "refuses"])
def test_a_cause_is_worth_more_than_its_evidence(trouble: Exception) -> None:
    """A server that does not give the lines takes the cause from nobody; the other run is asked for all the same."""
    server = Server()
    server.lines = {("web-a", "app", True): "no database"}
    server.troubles = [trouble]
    (found,) = diagnose("web", CAUSE, server).evidence
    assert found.lines == ("no database",)
