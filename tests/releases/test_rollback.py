"""Going back to an earlier revision."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import pytest

from dockyard.model.errors import RolloutError, UnknownNameError
from dockyard.releases.rollback import bring_back_images, choose, images_of, rollback
from dockyard.tools.helm import RevisionFacts
from tests.fakes import FakeDocker, FakeHelm, FakeKubectl, FakeWorkspace, Recorder, fake_workspace
from tests.releases.objects import daemon_set, deployment, manifests, pod, replica_set, runs, text, waits

PROJECT = {"releases": {"web": {"chart": "helm/web", "timeout": 30}}}
OLD, NEW = deployment(image="web:v1"), deployment(image="web:v2")
READY = (deployment(), replica_set(), pod("web-a", runs()))


def history(*statuses: str) -> tuple[RevisionFacts, ...]:
    """Return revisions of these states."""
    made = datetime(2026, 1, 1, tzinfo=UTC)
    return tuple(RevisionFacts(at, made, status, f"v{at}", "") for at, status in enumerate(statuses, start=1))


CHOICES: dict[str, tuple[tuple[str, ...], int | None, int]] = {
    "the one before": (("superseded", "deployed"), None, 1),
    "not the first": (("superseded", "superseded", "deployed"), None, 2),
    "behind a failed one": (("superseded", "deployed", "failed"), None, 2),
    "over failed ones": (("superseded", "failed", "failed", "deployed"), None, 1),
    "over a pending one": (("deployed", "pending-upgrade", "failed"), None, 1),
    "a named one": (("superseded", "superseded", "deployed"), 1, 1),
    "a named one that failed": (("superseded", "failed", "deployed"), 2, 2),
}


@pytest.mark.parametrize(("statuses", "asked", "chosen"), CHOICES.values(), ids=CHOICES)
def test_the_revision_to_go_back_to(statuses: tuple[str, ...], asked: int | None, chosen: int) -> None:
    """The last that was ever deployed, or the one that was asked for."""
    assert choose("web", history(*statuses), asked).revision == chosen


REFUSALS: dict[str, tuple[tuple[str, ...], int | None, str]] = {
    "only one": (
        ("deployed",),
        None,
        "Release web has nothing to go back to. Revision 1 is its only one.",
    ),
    "none was deployed": (
        ("failed", "failed"),
        None,
        "Release web has nothing to go back to. No earlier revision was ever deployed.",
    ),
    "the current one": (("superseded", "deployed"), 2, "Release web is at revision 2 already."),
    "no such revision": (
        ("superseded", "deployed"),
        9,
        "Release web has no revision 9. Its revisions are 1, 2. `./inv history --release web` shows them.",
    ),
    "no negative one": (
        ("superseded", "deployed"),
        -1,
        "Release web has no revision -1. Its revisions are 1, 2. `./inv history --release web` shows them.",
    ),
}


@pytest.mark.parametrize(("statuses", "asked", "sentence"), REFUSALS.values(), ids=REFUSALS)
def test_a_revision_that_cannot_be_had(statuses: tuple[str, ...], asked: int | None, sentence: str) -> None:
    """One clear sentence, before anything is touched."""
    with pytest.raises(RolloutError) as caught:
        choose("web", history(*statuses), asked)
    assert str(caught.value) == sentence


@pytest.fixture
def workspace(tmp_path: Path) -> FakeWorkspace:
    """A release with two revisions; the engine has both images, the node the newer one."""
    helm = FakeHelm()
    helm.record("web", text(OLD), tag="v1")
    helm.record("web", text(NEW), tag="v2")
    kubectl = FakeKubectl((deployment(readyReplicas=0, availableReplicas=0),), READY)
    made = fake_workspace(tmp_path, PROJECT, docker=FakeDocker("web:v1", "web:v2"), helm=helm, kubectl=kubectl)
    made.cluster.held["web:v2"] = "sha256:web:v2"
    return made


def test_a_rollback_loads_sends_and_waits(workspace: FakeWorkspace) -> None:
    """The old image is in the node before the old pods are asked for."""
    report = Recorder()
    done = rollback(workspace, "web", None, report)
    assert (done.target, done.revision, done.app_version) == (1, 3, "v1")
    assert workspace.cluster.calls == ["load web:v1 3000000"]
    assert workspace.fake_helm.calls == ["rollback web 1"]
    assert report.lasting == [("web", "Upgrading"), ("web", "Ready")]
    assert report.events[0].text == "back to revision 1, image tag v1"


def test_an_image_that_is_gone_is_told_before_anything_is_touched(workspace: FakeWorkspace) -> None:
    """Rolling back would only make pods that cannot start."""
    del workspace.docker.held["web:v1"]
    with pytest.raises(RolloutError, match=r"The image web:v1 of that revision is gone"):
        rollback(workspace, "web", None, Recorder())
    assert (workspace.fake_helm.calls, workspace.cluster.calls) == ([], [])


def test_a_rollback_that_does_not_become_ready_fails(workspace: FakeWorkspace) -> None:
    """Within the release's own limit."""
    stuck = (deployment(readyReplicas=0, availableReplicas=0), replica_set(), pod("web-a", runs(ready=False)))
    workspace.fake_kubectl.looks = [stuck]
    with pytest.raises(RolloutError, match=r"Release web was not Ready within 30 s"):
        rollback(workspace, "web", None, Recorder())


def test_a_refusal_of_helm_is_our_error(workspace: FakeWorkspace) -> None:
    """With Helm's own words."""
    workspace.fake_helm.refuses["web"] = "Error: spec.selector: field is immutable"
    with pytest.raises(RolloutError, match=r"a field that cannot change has changed"):
        rollback(workspace, "web", 1, Recorder())


def test_an_unknown_release_is_told(workspace: FakeWorkspace) -> None:
    """Before Helm is asked to do anything."""
    with pytest.raises(UnknownNameError):
        rollback(workspace, "wbe", None, Recorder())


def test_a_release_that_only_the_cluster_has_can_be_rolled_back(tmp_path: Path) -> None:
    """It was taken out of dockyard.yaml, and still runs."""
    helm = FakeHelm()
    helm.record("web", text(OLD), tag="v1")
    helm.record("web", text(NEW), tag="v2")
    made = fake_workspace(tmp_path, {}, helm=helm, docker=FakeDocker("web:v1"), kubectl=FakeKubectl(READY))
    assert rollback(made, "web", None, Recorder()).target == 1


def test_images_of_every_container_are_found_once() -> None:
    """Init containers have images too."""
    other = daemon_set("agent")
    containers = [{"image": "web:v1"}, {"image": "side:v1"}]
    other["spec"]["template"] = {"spec": {"initContainers": [{"image": "migrate:v1"}], "containers": containers}}
    assert images_of(manifests(OLD, other)) == ("web:v1", "migrate:v1", "side:v1")


def test_images_that_the_node_has_are_not_sent(workspace: FakeWorkspace) -> None:
    """And need not be in the engine any more."""
    workspace.docker.held.clear()
    bring_back_images(workspace, ["web:v2"], Recorder())
    assert workspace.cluster.calls == []


def test_a_failed_pod_of_the_newer_revision_does_not_fail_the_rollback(workspace: FakeWorkspace) -> None:
    """It is what the rollback takes away."""
    crashing = pod("web-new", waits("CrashLoopBackOff", restarts=5), owner="uid-web-1")
    workspace.fake_kubectl.looks = [[*READY, replica_set("1"), crashing]]
    assert rollback(workspace, "web", 1, Recorder()).target == 1
