"""What a release needs, by what is known of it."""

from __future__ import annotations

import pytest

from dockyard.charts.manifests import Manifests
from dockyard.model.lifecycle import DeploymentState
from dockyard.releases.plan import ReleaseAction, ReleaseObservation, Verb, plan_release
from dockyard.releases.workload import Verdict
from dockyard.tools.helm import ReleaseFacts
from tests.releases.objects import deployment, manifests

SENT = manifests(deployment("web"))
OTHER = manifests(deployment("web", replicas=2))
READY = Verdict(DeploymentState.READY)


def there(status: str = "deployed") -> ReleaseFacts:
    """Return Helm's record of a release."""
    return ReleaseFacts("web", 3, status, "web-1.0.0", "v1")


def plan(wanted: Manifests, status: str = "deployed", live: Verdict | None = READY) -> ReleaseAction:
    """Decide about a release that was sent once."""
    return plan_release(ReleaseObservation("web", wanted, "v1", there(status), SENT, live))


def test_what_is_not_there_is_installed() -> None:
    """A first deploy."""
    assert plan_release(ReleaseObservation("web", SENT)) == ReleaseAction("web", Verb.INSTALL, "it is not installed")


def test_what_is_unchanged_and_ready_is_left_alone() -> None:
    """A second deploy in a row does nothing."""
    assert plan(SENT) == ReleaseAction("web", Verb.NOTHING, "unchanged, revision 3 is Ready")


@pytest.mark.parametrize("live", [None, *(Verdict(state) for state in DeploymentState if state != "Ready")])
def test_what_is_unchanged_and_not_ready_is_watched(live: Verdict | None) -> None:
    """Sending the same again would not make it Ready; a deploy still may not end before it is."""
    assert plan(SENT, live=live).verb is Verb.WATCH


def test_what_has_changed_is_upgraded_and_the_reason_says_what() -> None:
    """Ready or not: what runs is not what is wanted."""
    assert plan(OTHER) == ReleaseAction("web", Verb.UPGRADE, "changed: deployment/web")
    assert plan(OTHER, live=None).verb is Verb.UPGRADE


@pytest.mark.parametrize(("count", "objects"), [(0, "1 object"), (1, "2 objects")])
def test_another_image_is_the_reason_where_there_is_one(count: int, objects: str) -> None:
    """What a developer has changed is the source; the objects are its consequence."""
    new = manifests(deployment("web", replicas=2), *(deployment(f"more-{at}") for at in range(count)))
    reason = plan_release(ReleaseObservation("web", new, "v2", there(), SENT, READY)).reason
    assert reason == f"image tag v1 -> v2, {objects} changed"


def test_a_release_without_an_image_names_its_objects() -> None:
    """Its chart's appVersion is no tag of ours."""
    assert plan_release(ReleaseObservation("web", OTHER, "", there(), SENT, READY)).reason == "changed: deployment/web"


def test_a_long_list_of_changes_is_cut() -> None:
    """Three names, then a number."""
    many = manifests(*(deployment(name) for name in "abcd"))
    seen = ReleaseObservation("web", many, "v1", there(), SENT, READY)
    assert plan_release(seen).reason == "changed: deployment/a, deployment/b, deployment/c and 2 more"


def test_exactly_three_changes_are_all_named() -> None:
    """Nothing is counted that is not left out."""
    two = manifests(deployment("a"), deployment("b"))
    assert plan_release(ReleaseObservation("web", two, "v1", there(), SENT, READY)).reason == (
        "changed: deployment/a, deployment/b, deployment/web"
    )


@pytest.mark.parametrize("status", ["pending-install", "pending-upgrade", "pending-rollback", "uninstalling"])
@pytest.mark.parametrize("wanted", [SENT, OTHER], ids=["unchanged", "changed"])
def test_what_a_killed_helm_left_is_recovered(status: str, wanted: Manifests) -> None:
    """Helm refuses every upgrade of it, so this comes before any other reason."""
    action = plan(wanted, status)
    assert action.verb is Verb.RECOVER
    assert status in action.reason


@pytest.mark.parametrize("status", ["failed", "superseded", "uninstalled", "unknown"])
def test_what_helm_did_not_deploy_is_sent_again(status: str) -> None:
    """A revision that failed may be half there, whatever its manifest says."""
    assert plan(SENT, status) == ReleaseAction("web", Verb.UPGRADE, f"its last revision is {status}")
