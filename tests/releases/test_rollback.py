"""Going back to an earlier revision, and knowing before anything is touched whether that can work."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from dockyard.model.errors import RolloutError, UnknownNameError
from dockyard.releases.records import ReleaseRecord, Revision
from dockyard.releases.rollback import choose, rollback
from tests.fakes import FakeDocker
from tests.releases.conftest import Work
from tests.releases.objects import waits

LOST = waits("ErrImagePull", "manifest unknown")


def record(*statuses: str, good: tuple[int, ...] = (), same: tuple[int, ...] = ()) -> ReleaseRecord:
    """Return a release with revisions of these states; those that are the same have one content."""
    made = datetime(2026, 1, 1, tzinfo=UTC)
    revisions = (
        Revision("web", at, status, made, "", "", f"uid-{at}", "same" if at in same else f"# {at}")
        for at, status in enumerate(statuses, start=1)
    )
    return ReleaseRecord("web", tuple(revisions), frozenset(good))


CHOICES: dict[str, tuple[ReleaseRecord, int | None, int]] = {
    "the one before": (record("superseded", "deployed"), None, 1),
    "the last good one": (record("superseded", "superseded", "deployed", good=(1,)), None, 1),
    "not the first of the good": (record("superseded", "superseded", "deployed", good=(1, 2, 3)), None, 2),
    "behind a failed one": (record("superseded", "deployed", "failed", good=(1, 2)), None, 2),
    "over failed ones": (record("superseded", "failed", "failed", "deployed"), None, 1),
    "behind its own copy": (record("superseded", "superseded", "deployed", good=(1, 2, 3), same=(2, 3)), None, 1),
    "a named one": (record("superseded", "superseded", "deployed", good=(2,)), 1, 1),
    "a named one that failed": (record("superseded", "failed", "deployed"), 2, 2),
}


@pytest.mark.parametrize(("there", "asked", "chosen"), CHOICES.values(), ids=CHOICES)
def test_the_revision_to_go_back_to(there: ReleaseRecord, asked: int | None, chosen: int) -> None:
    """The last good one of another content, or the one that was asked for."""
    assert choose(there, asked).number == chosen


REFUSALS: dict[str, tuple[ReleaseRecord, int | None, str]] = {
    "only one": (record("deployed"), None, "Release web has nothing to go back to. Revision 1 is its only one."),
    "none was deployed": (
        record("failed", "failed"),
        None,
        "Release web has nothing to go back to. No earlier revision was ever deployed with another content.",
    ),
    "only copies": (
        record("superseded", "deployed", good=(1, 2), same=(1, 2)),
        None,
        "Release web has nothing to go back to. No earlier revision was ever deployed with another content.",
    ),
    "the current one": (record("superseded", "deployed"), 2, "Release web is at revision 2 already."),
    "no such revision": (
        record("superseded", "deployed"),
        9,
        "Release web has no revision 9. Its revisions are 1, 2. `./inv history --release web` shows them.",
    ),
    "no negative one": (
        record("superseded", "deployed"),
        -1,
        "Release web has no revision -1. Its revisions are 1, 2. `./inv history --release web` shows them.",
    ),
}


@pytest.mark.parametrize(("there", "asked", "sentence"), REFUSALS.values(), ids=REFUSALS)
def test_a_revision_that_cannot_be_had(there: ReleaseRecord, asked: int | None, sentence: str) -> None:
    """One clear sentence, before anything is touched."""
    with pytest.raises(RolloutError) as caught:
        choose(there, asked)
    assert str(caught.value) == sentence


def test_a_rollback_brings_back_image_and_revision(work: Work) -> None:
    """An image that the node lost is loaded before Helm is called; then it is watched as a deploy is."""
    work.workspace.docker.held = FakeDocker("web:v1").held
    work.deployed("v1", held=False)
    work.deployed("v2")
    order: list[str] = []
    work.helm.on_call = lambda call: order.append(f"{call} with {sorted(work.workspace.cluster.held)}")
    target, done = rollback(work.site, "web", None, work.report)
    assert (target.number, done.revision, done.tag) == (1, 3, "v1")
    assert order == ["rollback web 1 with ['web:v1', 'web:v2']"]
    assert work.stages == ["Ready", "Upgrading", "Pending", "Running", "Ready"]


def test_an_image_that_is_nowhere_is_told_before_anything_is_touched(work: Work) -> None:
    """Neither in the node nor in the engine: the release serves on."""
    work.deployed("v1", held=False)
    work.deployed("v2")
    with pytest.raises(RolloutError, match="The image web:v1 of that revision is gone, and nothing was touched"):
        rollback(work.site, "web", None, work.report)
    assert (work.helm.calls, work.report.events) == ([], [])


def test_a_release_that_failed_leads_on_from_there(work: Work) -> None:
    """The specification: Failed, then Upgrading, which is what a rollback is."""
    work.deployed("v1")
    made = work.deployed("v2", good=False)
    work.api.apply(made.manifests, [(0.0, LOST)])
    rollback(work.site, "web", 1, work.report)
    assert work.stages[:2] == ["Failed", "Upgrading"]


def test_a_release_that_only_the_cluster_knows_can_go_back(work: Work) -> None:
    """Somebody else's: its images are not ours to judge."""
    text = work.helm.charts["web"].replace("web", "other")
    for tag in ("1", "2"):
        made = work.helm.record("other", text.replace("@TAG@", tag), tag=tag)
    work.api.apply(made.manifests)
    _, done = rollback(work.site, "other", None, work.report)
    assert (done.release, done.revision) == ("other", 3)


def test_an_unknown_release_is_told(work: Work) -> None:
    """With those that there are."""
    with pytest.raises(UnknownNameError):
        rollback(work.site, "nothing", None, work.report)
