"""The rules of "Ready" and of "Failed"; what each failure looks like was measured on a live cluster."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dockyard.model.diagnosis import CauseKind
from dockyard.model.lifecycle import DeploymentState
from dockyard.releases.causes import Object
from dockyard.releases.workload import HASH, Verdict, judge
from tests.releases.objects import (
    OLDER,
    SERVES,
    SERVES_NOT,
    asking,
    daemon_set,
    deployment,
    endpoint_slice,
    ends,
    node,
    pod,
    replica_set,
    runs,
    service,
    stateful_set,
    unschedulable,
    waits,
)

UNREADY: dict[str, Any] = {"readyReplicas": 0, "availableReplicas": 0}
NO_ROOM = "0/1 nodes are available: 1 Insufficient cpu."
SLOW = {
    "type": "Progressing",
    "status": "False",
    "reason": "ProgressDeadlineExceeded",
    "message": 'ReplicaSet "web-2" has timed out progressing.',
}
QUOTA = {
    "type": "ReplicaFailure",
    "status": "True",
    "reason": "FailedCreate",
    "message": 'pods "web-2-x" is forbidden: exceeded quota: small',
}


def ask(workload: Object, *others: Object) -> Verdict:
    """Return the verdict over one workload as the cluster has it now."""
    return judge([workload], [], [workload, *others])


def test_a_settled_deployment_is_ready() -> None:
    """All pods are of the newest template and available, and no other is left."""
    verdict = ask(deployment(replicas=2), replica_set(), pod("web-a", runs()), pod("web-b", runs()))
    assert (verdict.state, verdict.ready, verdict.wanted) == (DeploymentState.READY, 2, 2)
    assert (verdict.text, verdict.cause, verdict.pods) == ("", None, ("web-a", "web-b"))


def test_nothing_to_run_is_ready() -> None:
    """A release of ConfigMaps alone, and a Deployment of no replicas, have nothing to wait for."""
    assert judge([], [], []) == Verdict(DeploymentState.READY)
    assert ask(deployment(replicas=0)).state is DeploymentState.READY


def test_an_absent_workload_is_pending() -> None:
    """Helm has sent it and the API server does not show it yet."""
    verdict = judge([deployment()], [], [])
    assert verdict.state is DeploymentState.PENDING
    assert verdict.text == "Deployment web is not there yet"


def test_a_terminal_cause_is_a_failure() -> None:
    """The verdict says in one line what the cause says, and names the pod for whoever asks for its lines."""
    verdict = ask(deployment(**UNREADY), replica_set(), pod("web-a", waits("ErrImagePull", "denied")))
    assert verdict.state is DeploymentState.FAILED
    assert verdict.cause is not None
    assert verdict.cause.terminal
    assert verdict.text == verdict.cause.sentence
    assert verdict.pods == ("web-a",)


def test_a_cause_that_may_mend_itself_is_no_failure_yet() -> None:
    """It is kept beside the state, for the wait to count how long it stands."""
    verdict = ask(deployment(**UNREADY), replica_set(), pod("web-a", waits("ErrImagePull", "i/o timeout")))
    assert (verdict.state, verdict.text) == (DeploymentState.PENDING, "0 of 1 pods run")
    assert verdict.cause is not None
    assert not verdict.cause.terminal


def test_a_quota_that_lets_no_pod_be_made_is_failed() -> None:
    """There is no pod to show the cause: the Deployment's own condition does."""
    verdict = ask(deployment(updatedReplicas=0, **UNREADY, conditions=[QUOTA]), replica_set())
    assert verdict.state is DeploymentState.FAILED
    assert verdict.cause is not None
    assert (verdict.cause.kind, verdict.cause.pod, verdict.pods) == (CauseKind.QUOTA, "", ())


def test_a_pod_without_room_is_judged_by_what_is_around() -> None:
    """The nodes are among what was seen; pods of other namespaces come beside it."""
    lost = pod("web-a", conditions=(unschedulable(NO_ROOM),), spec=asking("3"))
    there = pod("other", spec=asking("1", on="one"))
    live = [deployment(**UNREADY), replica_set(), lost, node()]
    verdict = judge([deployment()], [], live, everywhere=[there])
    assert verdict.state is DeploymentState.FAILED
    assert verdict.cause is not None
    assert "its pods ask for 1 cpu" in verdict.cause.compared


def test_pods_that_do_not_run_are_pending() -> None:
    """What is missing is counted, so that a person sees it move."""
    creating = pod("web-b", waits("ContainerCreating"))
    verdict = ask(deployment(replicas=2, **UNREADY), replica_set(), pod("web-a", runs(ready=False)), creating)
    assert (verdict.state, verdict.text) == (DeploymentState.PENDING, "1 of 2 pods run")


def test_pods_that_run_and_are_not_ready_are_running() -> None:
    """A readiness probe that does not pass has no cause that the cluster could name."""
    verdict = ask(deployment(**UNREADY), replica_set(), pod("web-a", runs(ready=False)))
    assert (verdict.state, verdict.text) == (DeploymentState.RUNNING, "0 of 1 pods are ready")


SIDECAR_SPEC: Object = {
    "containers": [{"name": "app"}],
    "initContainers": [{"name": "migrate"}, {"name": "proxy", "restartPolicy": "Always"}],
}
MIGRATED: Object = {**ends(0, "Completed"), "name": "migrate", "ready": True}


@pytest.mark.parametrize(
    ("sidecar", "state", "said"),
    [
        (waits("ContainerCreating"), DeploymentState.PENDING, "0 of 1 pods run"),
        (runs(ready=False), DeploymentState.RUNNING, "0 of 1 pods are ready"),
    ],
    ids=["not running", "not ready"],
)
def test_a_sidecar_counts_as_a_running_container(sidecar: Object, state: DeploymentState, said: str) -> None:
    """Unlike an init container that has done its work."""
    init = (MIGRATED, {**sidecar, "name": "proxy"})
    verdict = ask(deployment(**UNREADY), replica_set(), pod("web-a", runs(), init=init, spec=SIDECAR_SPEC))
    assert (verdict.state, verdict.text, verdict.ready) == (state, said, 0)


def test_a_pod_with_a_ready_sidecar_is_ready() -> None:
    """All of its containers are."""
    init = (MIGRATED, {**runs(), "name": "proxy"})
    assert ask(deployment(), replica_set(), pod("web-a", runs(), init=init, spec=SIDECAR_SPEC)).ready == 1


def test_pods_that_are_not_ready_are_named_first() -> None:
    """Whoever asks for logs asks for those of the first."""
    verdict = ask(deployment(replicas=2, **UNREADY), replica_set(), pod("a", runs()), pod("b", runs(ready=False)))
    assert verdict.pods == ("b", "a")


def test_pods_of_an_older_template_say_nothing() -> None:
    """The crash loop that an upgrade mends still has its pods for a while."""
    crashing = pod("web-old", waits("CrashLoopBackOff", restarts=9), owner=f"uid-web-{OLDER}")
    verdict = ask(deployment(**UNREADY), replica_set(OLDER), replica_set(), crashing, pod("web-a", runs(ready=False)))
    assert (verdict.state, verdict.pods) == (DeploymentState.RUNNING, ("web-a",))


def test_pods_of_another_release_say_nothing() -> None:
    """A look holds every pod of the namespace."""
    other = pod("other", waits("ErrImagePull"), owner="uid-other-2")
    assert ask(deployment(), replica_set(), pod("web-a", runs()), other).state is DeploymentState.READY


def test_a_pod_that_is_leaving_says_nothing() -> None:
    """It terminates because something newer takes its place."""
    leaving = pod("web-old", waits("CrashLoopBackOff", restarts=9), leaving=True)
    verdict = ask(deployment(**UNREADY), replica_set(), leaving, pod("web-a", runs(ready=False)))
    assert (verdict.state, verdict.pods) == (DeploymentState.RUNNING, ("web-a",))


@pytest.mark.parametrize("workload", [deployment, stateful_set, daemon_set])
def test_a_status_of_the_generation_before_is_not_ready(workload: Any) -> None:  # noqa: ANN401 - three signatures
    """Right after an upgrade the status still counts the pods of the template before."""
    verdict = ask(workload(observedGeneration=3))
    assert verdict.state is DeploymentState.PENDING
    assert "web" in verdict.text


def test_a_failure_of_the_generation_before_is_no_cause() -> None:
    """An upgrade that mends a failed rollout is not failed by what it mends."""
    broken = pod("web-a", waits("ErrImagePull", "denied"))
    verdict = ask(deployment(observedGeneration=3, conditions=[SLOW], **UNREADY), replica_set(), broken)
    assert (verdict.state, verdict.cause) == (DeploymentState.PENDING, None)


UNSETTLED: dict[str, Object] = {
    "an old pod is left": deployment(replicas=2, updatedReplicas=1),
    "a surplus pod is left": {**deployment(), "status": {**deployment()["status"], "replicas": 2}},
    "StatefulSet: not updated": stateful_set(replicas=2, updatedReplicas=1),
    "StatefulSet: not ready": stateful_set(replicas=2, readyReplicas=1),
    "StatefulSet: a surplus pod is left": {**stateful_set(), "status": {**stateful_set()["status"], "replicas": 2}},
    "DaemonSet: not updated": daemon_set(nodes=2, updatedNumberScheduled=1),
    "DaemonSet: not available": daemon_set(nodes=2, numberAvailable=1),
}


@pytest.mark.parametrize("workload", UNSETTLED.values(), ids=UNSETTLED)
def test_an_unsettled_workload_is_not_ready(workload: Object) -> None:
    """Every count of the status must be what is wanted."""
    assert ask(workload).state is not DeploymentState.READY


@pytest.mark.parametrize("workload", [stateful_set(readyReplicas=0), daemon_set(numberReady=0, numberAvailable=0)])
def test_pods_of_sets_are_theirs_directly(workload: Object) -> None:
    """StatefulSets and DaemonSets have no ReplicaSets between them and their pods."""
    failing = ask(workload, pod("web-0", waits("ErrImagePull", "denied"), owner="uid-web"))
    assert (failing.state, failing.pods) == (DeploymentState.FAILED, ("web-0",))


def test_a_settled_workload_is_ready_whatever_a_pod_shows() -> None:
    """The look takes some moments: a pod may be listed as it was just before its Deployment was."""
    verdict = ask(deployment(), replica_set(), pod("web-a", waits("ErrImagePull", "denied")))
    assert (verdict.state, verdict.cause) == (DeploymentState.READY, None)


def test_pods_of_the_template_before_are_not_counted_as_ready() -> None:
    """While an upgrade fails they serve on, and the status counts them: no progress is to be seen in that."""
    old = [pod(f"old-{at}", runs(), owner=f"uid-web-{OLDER}") for at in "ab"]
    live = deployment(replicas=2, updatedReplicas=1, readyReplicas=2)
    verdict = ask(live, replica_set(OLDER), replica_set(), *old, pod("web-a", runs(ready=False)))
    assert (verdict.ready, verdict.wanted) == (0, 2)


@pytest.mark.parametrize(
    ("slices", "ready"),
    [
        ((), False),
        ((endpoint_slice(),), False),
        ((endpoint_slice("web", SERVES_NOT),), False),
        ((endpoint_slice("other", SERVES),), False),
        ((endpoint_slice("web", SERVES),), True),
        ((endpoint_slice("web", SERVES_NOT, {}),), True),
        ((endpoint_slice("web", SERVES_NOT, name="web-ipv4"), endpoint_slice("web", SERVES, name="web-ipv6")), True),
    ],
    ids=["none", "empty", "not ready", "of another Service", "ready", "not said", "in the second of two"],
)
def test_a_service_must_lead_to_a_ready_pod(slices: tuple[Object, ...], *, ready: bool) -> None:
    """Pods that are ready and that no Service finds serve nobody: a selector may be wrong."""
    live = [deployment(), replica_set(), pod("web-a", runs()), *slices]
    verdict = judge([deployment()], [service()], live)
    expected = (DeploymentState.READY, "") if ready else (DeploymentState.RUNNING, "Service web has no ready endpoint")
    assert (verdict.state, verdict.text) == expected


def test_a_service_without_a_selector_is_not_asked() -> None:
    """Its endpoints are somebody else's."""
    assert judge([], [service(selector=False)], []).state is DeploymentState.READY


def test_the_worst_part_speaks_for_a_release() -> None:
    """A failed workload hides behind no ready one, and pods are counted over all."""
    bad = deployment("bad", **UNREADY)
    live = [deployment(), replica_set(), pod("web-a", runs()), bad, replica_set(of="bad")]
    live += [pod("bad-a", waits("ErrImagePull", "denied"), owner="uid-bad-2")]
    verdict = judge([deployment(), bad], [service()], live)
    assert verdict.state is DeploymentState.FAILED
    assert (verdict.ready, verdict.wanted, verdict.pods) == (1, 2, ("web-a", "bad-a"))


CONTAINERS = {
    "ready": runs(),
    "unready": runs(ready=False),
    "creating": waits("ContainerCreating"),
    "crashing": waits("CrashLoopBackOff", restarts=3, ended={"exitCode": 1}),
    "pulling": waits("ErrImagePull", "denied"),
}
PODS = st.lists(st.sampled_from(sorted(CONTAINERS)), max_size=4)


@settings(deadline=None)
@given(wanted=st.integers(0, 4), new=PODS, old=PODS, lag=st.booleans())
def test_ready_means_that_every_wanted_pod_is_ready(wanted: int, new: list[str], old: list[str], *, lag: bool) -> None:
    """Whatever pods there are, counted as the controller counts them: Ready is said when it is true, and only then."""
    ready = sum(kind == "ready" for kind in (*new, *old))
    live = deployment(
        replicas=wanted,
        updatedReplicas=len(new),
        readyReplicas=ready,
        availableReplicas=ready,
        observedGeneration=3 if lag else 4,
    )
    live["status"]["replicas"] = len(new) + len(old)
    pods = [pod(f"new-{at}", CONTAINERS[kind]) for at, kind in enumerate(new)]
    pods += [pod(f"old-{at}", CONTAINERS[kind], owner=f"uid-web-{OLDER}") for at, kind in enumerate(old)]
    verdict = ask(live, replica_set(OLDER), replica_set(), *pods)
    assert (verdict.state is DeploymentState.READY) == (new == ["ready"] * wanted and not old and not lag)
    assert (verdict.state is DeploymentState.FAILED) == (not lag and not {"crashing", "pulling"}.isdisjoint(new))
    assert (verdict.cause is not None) == (verdict.state is DeploymentState.FAILED)


@settings(deadline=None)
@given(wanted=st.integers(0, 4), updated=PODS, others=PODS)
def test_ready_of_a_stateful_set_means_the_same(wanted: int, updated: list[str], others: list[str]) -> None:
    """Its status counts ready pods of either template together."""
    live = stateful_set(
        replicas=wanted,
        updatedReplicas=len(updated),
        readyReplicas=sum(kind == "ready" for kind in (*updated, *others)),
    )
    live["status"]["replicas"] = len(updated) + len(others)
    pods = [pod(f"web-{at}", CONTAINERS[kind], owner="uid-web") for at, kind in enumerate((*updated, *others))]
    state = ask(live, *pods).state
    assert (state is DeploymentState.READY) == (updated == ["ready"] * wanted and not others)


def test_pods_of_an_older_revision_say_nothing_about_a_stateful_set() -> None:
    """One that crashes there may be what this revision mends."""
    live = stateful_set(readyReplicas=0, updateRevision="new")
    crashing = pod("web-0", waits("CrashLoopBackOff", restarts=5, ended={"exitCode": 1}), owner="uid-web")
    crashing["metadata"]["labels"] = {HASH: "old"}
    assert ask(live, crashing).state is DeploymentState.PENDING
    crashing["metadata"]["labels"] = {HASH: "new"}
    assert ask(live, crashing).state is DeploymentState.FAILED
