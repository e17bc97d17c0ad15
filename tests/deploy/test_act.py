"""Carrying a plan out: delivering images."""

from __future__ import annotations

from dataclasses import replace

import pytest

from dockyard.deploy.act import load
from dockyard.model.events import Progress
from tests.fakes import FakeWorkspace, Recorder


@pytest.mark.parametrize(
    ("sent", "text", "megabytes"),
    [(3_000_000, "3.0 MB sent", 3.0), (100_000, "0.1 MB sent", 0.1), (99_900, "99.9 kB sent", 0.1)],
)
def test_a_load_tells_how_much_was_sent(
    workspace: FakeWorkspace, monkeypatch: pytest.MonkeyPatch, sent: int, text: str, megabytes: float
) -> None:
    """A changed line of source is kilobytes."""
    report, real = Recorder(), workspace.cluster.load
    monkeypatch.setattr(workspace.cluster, "load", lambda *given: replace(real(*given), sent=sent))
    load(workspace, "web-image:v1", report)
    (event,) = (event for event in report.events if not event.passing)
    assert (event.subject, event.stage, event.text) == ("web-image", "Loaded", text)
    assert event.progress == Progress(megabytes, megabytes, "MB")


def test_a_load_of_what_is_there_says_so(workspace: FakeWorkspace) -> None:
    """No byte was sent."""
    report = Recorder()
    for _ in range(2):
        load(workspace, "web-image:v1", report)
    assert report.lasting == [("web-image", "Loaded"), ("web-image", "Unchanged")]
