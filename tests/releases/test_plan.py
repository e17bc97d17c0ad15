"""What a release needs, by what is known of it."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest

from dockyard.charts.manifests import Manifests
from dockyard.model.lifecycle import DeploymentState
from dockyard.releases.plan import SENDING, Recovery, ReleaseAction, ReleaseSeen, Verb, plan_release
from dockyard.releases.records import ReleaseRecord, Revision
from dockyard.releases.workload import Verdict
from tests.releases.objects import deployment, manifests, text

OLD, SENT, OTHER = deployment(image="web:v1"), deployment(image="web:v2"), deployment(image="web:v3", replicas=2)
READY = Verdict(DeploymentState.READY)
PENDING = ("pending-install", "pending-upgrade", "pending-rollback", "uninstalling")


def revision(number: int, status: str, content: dict[str, Any] = SENT, tag: str = "v2") -> Revision:
    """Return a revision."""
    made = datetime(2026, 1, 1, tzinfo=UTC)
    return Revision("web", number, status, made, tag, "", f"uid-{number}", text(content))


def record(*revisions: Revision, good: frozenset[int] = frozenset()) -> ReleaseRecord:
    """Return a release."""
    return ReleaseRecord("web", revisions, good)


DEPLOYED = record(revision(3, "deployed"), good=frozenset({3}))


def seen(**facts: Any) -> ReleaseSeen:  # noqa: ANN401 - any field of it
    """Return what is known of a release that is as it should be, but for these facts."""
    usual: dict[str, Any] = {"name": "web", "wanted": manifests(SENT), "tag": "v2", "record": DEPLOYED, "live": READY}
    return ReleaseSeen(**{**usual, **facts})


def plan(**facts: Any) -> ReleaseAction:  # noqa: ANN401 - any field of it
    """Decide."""
    return plan_release(seen(**facts))


def test_what_is_not_there_is_installed() -> None:
    """A first deploy begins with Building: nothing of it is in the cluster."""
    action = plan(record=None, live=None)
    assert (action.verb, action.reason, action.recovery) == (Verb.INSTALL, "it is not installed", Recovery.NONE)
    assert (action.state, action.changes, action.sent.objects) == (DeploymentState.BUILDING, True, {})
    assert action.wanted.changed(manifests(SENT)) == ()


def test_a_cluster_that_does_not_run_says_nothing() -> None:
    """A plan is made all the same, and says what it does not know."""
    action = plan(record=None, live=None, known=False)
    assert (action.verb, action.reason) == (Verb.INSTALL, "the cluster does not run, so what it has is not known")


def test_what_is_unchanged_and_ready_is_left_alone() -> None:
    """A second deploy in a row does nothing."""
    action = plan()
    assert (action.verb, action.reason) == (Verb.NOTHING, "unchanged, revision 3 is Ready")
    assert (action.changes, action.state) == (False, DeploymentState.READY)


UNREADY = [state for state in DeploymentState if state is not DeploymentState.READY]


@pytest.mark.parametrize("live", [None, *map(Verdict, UNREADY)], ids=["unknown", *UNREADY])
def test_what_is_unchanged_and_not_ready_is_watched(live: Verdict | None) -> None:
    """Sending the same again would not make it Ready; a deploy still may not end before it is."""
    action = plan(live=live)
    assert (action.verb, action.changes) == (Verb.WATCH, True)
    assert action.verb not in SENDING
    assert action.state is (live.state if live else DeploymentState.PENDING)


def test_another_image_is_the_reason_where_there_is_one() -> None:
    """What a developer has changed is the source; the objects are its consequence."""
    action = plan(wanted=manifests(OTHER), tag="v3")
    assert (action.verb, action.reason) == (Verb.UPGRADE, "image tag v2 -> v3, 1 object changed")
    more = plan(wanted=manifests(OTHER, deployment("more")), tag="v3")
    assert more.reason == "image tag v2 -> v3, 2 objects changed"


def test_what_was_sent_stands_beside_what_is_wanted() -> None:
    """For a difference that people can read."""
    action = plan(wanted=manifests(OTHER), tag="v3")
    assert action.sent.changed(manifests(SENT)) == ()
    assert action.wanted.changed(manifests(OTHER)) == ()


@pytest.mark.parametrize("tag", ["", "v2"], ids=["no image of ours", "the same image"])
def test_without_another_image_the_objects_are_named(tag: str) -> None:
    """The appVersion of a chart without an image of the project is no tag."""
    assert plan(wanted=manifests(OTHER), tag=tag).reason == "changed: deployment/web"


@pytest.mark.parametrize(
    ("names", "reason"),
    [
        ("ab", "changed: deployment/a, deployment/b, deployment/web"),
        ("abc", "changed: deployment/a, deployment/b, deployment/c and 1 more"),
        ("abcd", "changed: deployment/a, deployment/b, deployment/c and 2 more"),
    ],
)
def test_a_long_list_is_cut(names: str, reason: str) -> None:
    """Three names, then a number; nothing is counted that is not left out."""
    assert plan(wanted=manifests(*map(deployment, names))).reason == reason


@pytest.mark.parametrize(
    ("live", "state"), [(READY, "Ready"), (None, "Failed"), (Verdict(DeploymentState.RUNNING), "Failed")]
)
def test_an_upgrade_leads_on_from_where_the_release_is(live: Verdict | None, state: str) -> None:
    """One that is not Ready did not become so: for the specification it failed."""
    assert plan(wanted=manifests(OTHER), live=live).state == state


def test_drift_is_repaired() -> None:
    """Nothing changed in the sources: somebody's hand did it."""
    action = plan(drift=("deployment/web spec.replicas", "service/web is gone"))
    assert (action.verb, action.reason) == (
        Verb.UPGRADE,
        "it drifted: deployment/web spec.replicas, service/web is gone",
    )


def test_a_failed_revision_over_a_good_one_is_sent_again() -> None:
    """What it was to be is wanted still; the reason says what became of it."""
    there = record(revision(1, "deployed"), revision(2, "failed"), good=frozenset({1}))
    action = plan(record=there)
    assert (action.verb, action.recovery, action.reason) == (Verb.UPGRADE, Recovery.NONE, "its last revision is failed")


@pytest.mark.parametrize("status", ["failed", "uninstalled", "unknown"])
def test_a_first_install_that_failed_is_begun_anew(status: str) -> None:
    """There is nothing to go back to: it is removed first."""
    action = plan(record=record(revision(1, status)), live=None)
    assert (action.verb, action.recovery, action.target) == (Verb.INSTALL, Recovery.REMOVE, 0)
    assert (action.reason, action.state) == (f"its first install is {status}", DeploymentState.BUILDING)


def test_a_first_install_that_helm_ended_is_waited_for() -> None:
    """The process that deployed it died before it was Ready: it may be so by now, and is asked whether it serves."""
    there = record(revision(1, "deployed"))
    action = plan(record=there)
    assert (action.verb, action.reason) == (Verb.WATCH, "it is unchanged, and was not seen to serve yet")
    assert plan(record=there, live=Verdict(DeploymentState.PENDING)).verb is Verb.WATCH
    assert plan(record=there, wanted=manifests(OTHER)).verb is Verb.UPGRADE


@pytest.mark.parametrize("status", PENDING)
def test_a_killed_first_install_is_removed_and_begun_anew(status: str) -> None:
    """Helm takes neither an upgrade nor a rollback to nothing."""
    action = plan(record=record(revision(1, status)), live=None)
    assert (action.verb, action.recovery, action.target) == (Verb.INSTALL, Recovery.REMOVE, 0)
    assert action.reason == f"an earlier deploy was cut off: revision 1 is {status}"


def cut_off(status: str = "pending-upgrade") -> ReleaseRecord:
    """Return a release whose third revision was being made when its maker died."""
    first, second = revision(1, "superseded", OLD, "v1"), revision(2, "deployed")
    return record(first, second, revision(3, status, OTHER, "v3"), good=frozenset({1, 2}))


@pytest.mark.parametrize("status", ["pending-upgrade", "pending-rollback"])
def test_a_killed_upgrade_goes_back_before_it_is_made_again(status: str) -> None:
    """To the newest revision that was seen Ready; then what is wanted is sent over it."""
    action = plan(record=cut_off(status), wanted=manifests(OTHER), tag="v3")
    assert (action.verb, action.recovery, action.target) == (Verb.UPGRADE, Recovery.ROLL_BACK, 2)
    assert action.reason == (
        f"an earlier deploy was cut off: revision 3 is {status}; back to revision 2; then image tag v2 -> v3, "
        "1 object changed"
    )
    assert action.state is DeploymentState.FAILED
    assert action.sent.changed(manifests(SENT)) == ()


def test_a_killed_upgrade_that_nobody_wants_any_more_only_goes_back() -> None:
    """The sources are those of the good revision again: it is waited for."""
    action = plan(record=cut_off())
    assert (action.verb, action.recovery, action.target) == (Verb.WATCH, Recovery.ROLL_BACK, 2)
    assert action.reason.endswith("; back to revision 2")


def test_a_killed_removal_is_brought_to_its_end() -> None:
    """Half of it is gone: there is nothing to go back to, whatever was good."""
    action = plan(record=cut_off("uninstalling"))
    assert (action.verb, action.recovery) == (Verb.INSTALL, Recovery.REMOVE)


def test_a_recovery_changes_something_by_itself() -> None:
    """A plan with one is no plan of nothing."""
    assert replace(plan(), recovery=Recovery.ROLL_BACK).changes


def test_no_manifest_stands_in_a_repr() -> None:
    """They hold secrets, and a log shows reprs."""
    secret = {"kind": "Secret", "metadata": {"name": "web"}, "stringData": {"KEY": "hunter2"}}
    action = plan(wanted=Manifests.parse(text(secret)))
    assert "hunter2" not in repr(action)
