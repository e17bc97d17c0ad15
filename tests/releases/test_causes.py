"""Why a pod does not become Ready: what each failure looks like was measured on a live cluster."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dockyard.model.diagnosis import Cause, CauseKind
from dockyard.releases.causes import (
    FIXES,
    Amounts,
    Object,
    Surroundings,
    event_line,
    pod_cause,
    requests,
    workload_cause,
    worst,
)
from tests.releases.objects import (
    asking,
    daemon_set,
    deployment,
    ends,
    node,
    pod,
    replica_set,
    runs,
    stateful_set,
    unschedulable,
    waits,
    warning,
)

OOM = {"exitCode": 137, "reason": "OOMKilled"}
MISSING = 'rpc error: code = NotFound desc = failed to pull and unpack image "web:2": web:2: not found'


def ask(entry: Object, *around: Object, everywhere: tuple[Object, ...] = ()) -> Cause | None:
    """Return the cause that a pod shows."""
    return pod_cause(entry, Surroundings.of(around, everywhere=everywhere))


@dataclass(frozen=True)
class Case:
    """A failing container, and what is said of it.

    Attributes:
        container: Its status.
        kind: The kind of cause.
        sentence: A part of the sentence.
        terminal: Whether waiting is of no use.
        events: Warnings about the pod.
    """

    container: Object
    kind: CauseKind
    sentence: str
    terminal: bool = True
    events: tuple[Object, ...] = ()


K = CauseKind
CASES = {
    "image not in the node": Case(
        waits("ErrImageNeverPull", 'Container image "web:2" is not present'),
        K.IMAGE_NOT_FOUND,
        'its image is not in the node, and it may not be pulled (Container image "web:2" is not present)',
    ),
    "image not in the registry": Case(waits("ErrImagePull", MISSING), K.IMAGE_NOT_FOUND, "cannot be pulled (rpc error"),
    "registry denies": Case(
        waits("ErrImagePull", "pull access denied, repository does not exist"), K.IMAGE_NOT_FOUND, "access denied"
    ),
    "no way to the registry": Case(
        waits("ErrImagePull", "dial tcp: lookup registry.invalid: no such host"), K.IMAGE_NOT_FOUND, "no such host"
    ),
    "back-off, and the event keeps the registry's words": Case(
        waits("ImagePullBackOff", 'Back-off pulling image "web:2"'),
        K.IMAGE_NOT_FOUND,
        "not found",
        events=(warning("web-a", "Failed", f'Failed to pull image "web:2": {MISSING}'),),
    ),
    "back-off after a time-out": Case(
        waits("ImagePullBackOff", 'Back-off pulling image "web:2"'),
        K.IMAGE_NOT_FOUND,
        "deadline exceeded",
        terminal=False,
        events=(warning("web-a", "Failed", 'Failed to pull image "web:2": context deadline exceeded'),),
    ),
    "slow registry": Case(
        waits("ErrImagePull", "net/http: TLS handshake timeout"), K.IMAGE_NOT_FOUND, "timeout", terminal=False
    ),
    "no valid name": Case(waits("InvalidImageName", 'couldn\'t parse "Web:2"'), K.INVALID_IMAGE_NAME, "no valid name"),
    "no Secret": Case(
        waits("CreateContainerConfigError", 'secret "web" not found'),
        K.CONFIG_ERROR,
        'its configuration is not complete (secret "web" not found)',
    ),
    "no key": Case(
        waits("CreateContainerConfigError", "couldn't find key PORT in ConfigMap default/web"),
        K.CONFIG_ERROR,
        "couldn't find key PORT",
    ),
    "a ConfigMap that the kubelet has not seen yet": Case(
        waits("CreateContainerConfigError", "failed to sync configmap cache: timed out waiting for the condition"),
        K.CONFIG_ERROR,
        "failed to sync configmap cache",
        terminal=False,
    ),
    "no Secret for a volume": Case(
        waits("ContainerCreating"),
        K.CONFIG_ERROR,
        'MountVolume.SetUp failed for volume "tls": secret "tls" not found',
        events=(warning("web-a", "FailedMount", 'MountVolume.SetUp failed for volume "tls": secret "tls" not found'),),
    ),
    "no key for a volume": Case(
        waits("PodInitializing"),
        K.CONFIG_ERROR,
        "references non-existent config key",
        events=(warning("web-a", "FailedMount", "configmap references non-existent config key: a.conf"),),
    ),
    "a volume that is not ready yet": Case(
        waits("ContainerCreating"),
        K.CONFIG_ERROR,
        "failed to sync secret cache",
        terminal=False,
        events=(warning("web-a", "FailedMount", "failed to sync secret cache: timed out waiting for the condition"),),
    ),
    "a volume that Kubernetes makes itself": Case(
        waits("ContainerCreating"),
        K.CONFIG_ERROR,
        "kube-root-ca.crt",
        terminal=False,
        events=(warning("web-a", "FailedMount", 'configmap "kube-root-ca.crt" not found'),),
    ),
    "no such command": Case(
        waits("RunContainerError", 'exec: "/nope": no such file'), K.START_ERROR, 'cannot be started: exec: "/nope"'
    ),
    "no such command, later": Case(
        waits(
            "CrashLoopBackOff", restarts=2, ended={"exitCode": 128, "reason": "StartError", "message": "no such file"}
        ),
        K.START_ERROR,
        "cannot be started: no such file",
    ),
    "a busy runtime": Case(
        waits("CreateContainerError", 'name "web" is reserved for "abc"'), K.START_ERROR, "is reserved", terminal=False
    ),
    "crash loop": Case(
        waits("CrashLoopBackOff", restarts=1, ended={"exitCode": 3, "reason": "Error"}),
        K.CRASH_LOOP,
        "ended 2 times, last with exit code 3",
    ),
    "too little memory": Case(
        waits("CrashLoopBackOff", restarts=3, ended=OOM), K.OUT_OF_MEMORY, "took more memory than its limit"
    ),
    "too little memory, once": Case(ends(137, "OOMKilled"), K.OUT_OF_MEMORY, "OOMKilled"),
    "a probe that fails": Case(
        runs(ready=False),
        K.PROBE,
        "runs and is not ready: Readiness probe failed: 503",
        terminal=False,
        events=(warning("web-a", "Unhealthy", "Readiness probe failed: 503", count=4),),
    ),
}


@pytest.mark.parametrize("case", CASES.values(), ids=CASES)
def test_a_failure_is_named(case: Case) -> None:
    """With its kind, its sentence, whether waiting may help, where it is, and one next step."""
    found = ask(pod("web-a", case.container), *case.events)
    assert found is not None
    assert (found.kind, found.terminal) == (case.kind, case.terminal)
    assert case.sentence in found.sentence
    assert (found.pod, found.container, found.fix) == ("web-a", "app", FIXES[case.kind])
    assert not found.sentence.endswith(".")
    assert "\n" not in found.sentence


NO_CAUSE = {
    "being made": waits("ContainerCreating"),
    "behind its init containers": waits("PodInitializing"),
    "one crash": ends(1),
    "one crash, and the kubelet waits": waits("CrashLoopBackOff", ended={"exitCode": 1}),
    "up again after a crash": runs(ready=False, restarts=1, ended={"exitCode": 1}),
    "many stops of the node": runs(ready=False, restarts=9, ended={"exitCode": 255}),
    "many stops of the node, not yet there": waits("ContainerCreating", restarts=9, ended={"exitCode": 255}),
    "ready with a past": runs(restarts=9, ended=OOM),
    "done": ends(0, "Completed"),
}


@pytest.mark.parametrize("container", NO_CAUSE.values(), ids=NO_CAUSE)
def test_what_may_still_become_ready_has_no_cause(container: Object) -> None:
    """One first crash is forgiven, and so is the past of a container: stopping the node restarts each of them."""
    assert ask(pod("web-a", container)) is None


def test_events_about_other_pods_say_nothing() -> None:
    """They are known by the object's uid, since names come again."""
    other = warning("web-b", "Unhealthy", "Readiness probe failed: 503")
    assert ask(pod("web-a", runs(ready=False)), other) is None


def test_a_container_that_still_starts_has_no_failing_probe() -> None:
    """While its start-up probe runs a readiness probe is not asked."""
    starting = {**runs(ready=False), "started": False}
    assert ask(pod("web-a", starting), warning("web-a", "Unhealthy", "Readiness probe failed: 503")) is None


def test_a_crash_loop_by_a_liveness_probe_says_so() -> None:
    """The program did not end by itself: its lines would not say why."""
    killed = waits("CrashLoopBackOff", restarts=2, ended={"exitCode": 137, "reason": "Error"})
    probe = warning("web-a", "Unhealthy", "Liveness probe failed: timeout", count=3)
    found = ask(pod("web-a", killed), probe, warning("web-a", "BackOff", "Back-off restarting failed container"))
    assert found is not None
    assert "killed for its probe (Unhealthy (3 times): Liveness probe failed: timeout)" in found.sentence
    assert found.event == "BackOff: Back-off restarting failed container"


def test_a_program_that_ends_by_itself_is_not_laid_to_its_probe() -> None:
    """A probe fails beside every crash: the connection is refused while the program is down."""
    ended = waits("CrashLoopBackOff", restarts=2, ended={"exitCode": 3, "reason": "Error"})
    found = ask(pod("web-a", ended), warning("web-a", "Unhealthy", "Liveness probe failed: connection refused"))
    assert found is not None
    assert "probe" not in found.sentence


@pytest.mark.parametrize("ended", [OOM, {"reason": "StartError", "message": "no such file"}], ids=["memory", "start"])
def test_a_container_that_runs_again_may_do_better(ended: Object) -> None:
    """How its last run ended says nothing yet: a second time it would wait."""
    assert ask(pod("web-a", runs(ready=False, restarts=1, ended=ended))) is None


def test_the_memory_limit_is_told() -> None:
    """What was asked against what it took: the kernel's limit is the container's."""
    container = {"name": "app", "resources": {"limits": {"memory": "64Mi"}}}
    found = ask(pod("web-a", ends(137, "OOMKilled"), spec={"containers": [container]}))
    assert found is not None
    assert found.compared == "the container's memory limit: 64Mi"


BACK_OFF = "Back-off restarting failed container app in pod web-a_todo(1fc31529)"
ENDED = ends(3, restarts=1, at="2026-01-01T00:00:45Z")


def test_a_crash_loop_is_known_by_the_event_of_the_kubelet() -> None:
    """The state CrashLoopBackOff may come fifteen seconds later, and for a moment."""
    found = ask(pod("web-a", ENDED), warning("web-a", "BackOff", BACK_OFF, at="2026-01-01T00:00:45Z"))
    assert found is not None
    assert (found.kind, found.terminal) == (K.CRASH_LOOP, True)
    assert found.sentence == "Container app of pod web-a ended 2 times, last with exit code 3"
    assert found.event == f"BackOff: {BACK_OFF}"


@pytest.mark.parametrize(
    ("ended", "event"),
    [
        (ENDED, warning("web-a", "BackOff", BACK_OFF, at="2026-01-01T00:00:44Z")),
        (ENDED, warning("web-a", "BackOff", BACK_OFF, at="2026-01-01T00:00:45Z", container="proxy")),
        (ENDED, warning("web-a", "BackOff", 'Back-off pulling image "web:1"', at="2026-01-01T00:00:45Z")),
        ({**ENDED, "restartCount": 0}, warning("web-a", "BackOff", BACK_OFF, at="2026-01-01T00:00:45Z")),
    ],
    ids=["of an earlier crash", "of another container", "of a pull", "one crash"],
)
def test_other_events_are_no_crash_loop(ended: Object, event: Object) -> None:
    """The container is started again at once, as far as is known."""
    assert ask(pod("web-a", ended), event) is None


def test_the_newest_event_is_known_whatever_fields_it_has() -> None:
    """Events of the scheduler have a series instead of a count and a last time."""
    about = {"uid": "uid-web-a"}
    old = {
        "kind": "Event",
        "type": "Warning",
        "involvedObject": about,
        "reason": "A",
        "eventTime": "2026-01-01T00:00:01Z",
    }
    series = {"count": 4, "lastObservedTime": "2026-01-01T00:00:09Z"}
    new = {**old, "message": "new", "series": series}
    last = Surroundings.of([new, {**warning("web-a", "A", "mid"), "lastTimestamp": "2026-01-01T00:00:05Z"}, old])
    assert event_line(last.last("uid-web-a", "A")) == "A (4 times): new"


def test_an_init_container_may_be_the_cause() -> None:
    """What waits behind it shows nothing; its own limit is told."""
    crashing = {**waits("CrashLoopBackOff", restarts=4, ended=OOM), "name": "migrate"}
    limited = {"name": "migrate", "resources": {"limits": {"memory": "32Mi"}}}
    spec = {"containers": [{"name": "app"}], "initContainers": [limited]}
    found = ask(pod("web-a", waits("PodInitializing"), init=(crashing,), spec=spec))
    assert found is not None
    assert (found.kind, found.container) == (K.OUT_OF_MEMORY, "migrate")
    assert found.compared.endswith("32Mi")


def test_an_init_container_that_is_done_is_none() -> None:
    """It ended, and was to end."""
    done = {**ends(0, "Completed"), "name": "migrate", "ready": True}
    assert ask(pod("web-a", runs(ready=False), init=(done,))) is None


def test_a_terminal_cause_comes_before_another() -> None:
    """Of two containers the one that cannot mend itself decides."""
    slow = {**waits("ErrImagePull", "timeout"), "name": "slow"}
    lost = {**waits("ErrImagePull", "not found"), "name": "lost"}
    found = ask(pod("web-a", slow, lost))
    assert found is not None
    assert (found.container, found.terminal) == ("lost", True)
    assert worst(()) is None


NO_ROOM = "0/1 nodes are available: 1 Insufficient cpu."


def unplaced(spec: Object) -> Object:
    """Return a pod that no node has room for."""
    return pod("web-a", conditions=(unschedulable(NO_ROOM),), spec=spec)


def test_a_pod_larger_than_the_node_cannot_be_placed() -> None:
    """No other pod's end would help; both amounts are told."""
    there = pod("other", spec=asking("500m", "1Gi", on="one"))
    event = warning("web-a", "FailedScheduling", NO_ROOM, count=3)
    found = ask(unplaced(asking("3", "1Gi")), node(), event, everywhere=(there,))
    assert found is not None
    assert (found.kind, found.terminal, found.pod, found.container) == (K.UNSCHEDULABLE, True, "web-a", "")
    assert found.compared == (
        "asked: 3 cpu, 1Gi memory; node one has 2 cpu, 4Gi memory, of which its pods ask for 500m cpu, 1Gi memory"
    )
    assert found.event == f"FailedScheduling (3 times): {NO_ROOM}"


@pytest.mark.parametrize(
    "spec", [asking("2", "4Gi"), asking(), {"containers": []}], ids=["all of it", "nothing", "none"]
)
def test_a_pod_that_would_fit_may_be_placed_yet(spec: Object) -> None:
    """Others may leave: pods of the template before, during an update."""
    found = ask(unplaced(spec), node(), everywhere=(pod("other", spec=asking("2", "4Gi", on="one")),))
    assert found is not None
    assert not found.terminal


def test_it_fits_where_one_of_several_nodes_is_large_enough() -> None:
    """And not where only all of them together are."""
    small, large = node("small", cpu="1"), node("large", cpu="4")
    placed, lost = ask(unplaced(asking("3")), small, large), ask(unplaced(asking("5")), small, large)
    assert placed is not None
    assert lost is not None
    assert (placed.terminal, lost.terminal) == (False, True)


def test_without_nodes_nothing_is_compared() -> None:
    """Nobody asked how much there is: then nobody can say that it is too little."""
    found = ask(unplaced(asking("99")))
    assert found is not None
    assert (found.terminal, found.compared) == (False, "")


def test_pods_that_ended_take_no_room() -> None:
    """A finished job is listed for a long time."""
    finished = {**pod("job", spec=asking("2", on="one")), "status": {"phase": "Succeeded"}}
    elsewhere = pod("far", spec=asking("2", on="two"))
    found = ask(unplaced(asking("3")), node(), everywhere=(finished, elsewhere))
    assert found is not None
    assert found.compared.endswith("of which its pods ask for 0 cpu, 0 memory")


amounts = st.builds(lambda cpu, memory: asking(f"{cpu}m", f"{memory}Mi"), st.integers(0, 4000), st.integers(0, 4000))


@given(st.lists(amounts, min_size=1, max_size=4), st.lists(amounts, max_size=3))
def test_requests_are_what_the_scheduler_counts(run: list[Object], before: list[Object]) -> None:
    """Containers together, or the largest init container, for each resource alone (Kubernetes, "Init Containers")."""
    spec = {
        "containers": [entry["containers"][0] for entry in run],
        "initContainers": [entry["containers"][0] for entry in before],
    }
    together = Amounts.total([requests({"spec": entry}) for entry in run])
    largest = [requests({"spec": entry}) for entry in before]
    found = requests({"spec": spec})
    assert found.cpu == max(together.cpu, *(one.cpu for one in largest), 0)
    assert found.memory == max(together.memory, *(one.memory for one in largest), 0)


def test_sidecars_count_beside_whatever_runs_then() -> None:
    """With the containers, and with the init containers after them, but not with those before them."""

    def init(memory: str, *, sidecar: bool = False) -> Object:
        container: Object = asking("100m", memory)["containers"][0]
        return {**container, "restartPolicy": "Always"} if sidecar else container

    small = [init("300Mi"), init("50Mi", sidecar=True), init("60Mi", sidecar=True)]
    app = asking("100m", "100Mi")["containers"]
    assert str(requests({"spec": {"containers": app, "initContainers": small}})) == "300m cpu, 300Mi memory"
    large = [*small, init("400Mi")]
    assert str(requests({"spec": {"containers": app, "initContainers": large}})) == "300m cpu, 510Mi memory"


def test_requests_of_a_whole_pod_replace_those_of_its_containers() -> None:
    """Each resource alone: pod-level resources may have only one of them."""
    spec = {**asking("100m", "100Mi"), "resources": {"requests": {"memory": "1Gi"}}}
    assert str(requests({"spec": spec})) == "100m cpu, 1Gi memory"


def test_sidecars_count_with_what_starts_after_them() -> None:
    """They go on beside the others, as they do beside init containers that start later; a pod's overhead is added."""
    first, side, late, main = (asking(cpu)["containers"][0] for cpu in ("4", "1", "2", "500m"))
    init = [first, {**side, "restartPolicy": "Always"}, late]
    assert requests({"spec": {"initContainers": init, "containers": [main]}}).cpu == 4000
    assert requests({"spec": {"initContainers": init[1:], "containers": [main]}}).cpu == 3000
    spec = {"initContainers": init[1:2], "containers": [main], "overhead": {"cpu": "100m"}}
    assert requests({"spec": spec}).cpu == 1600


def test_a_request_of_the_pod_counts_alone() -> None:
    """For each resource that it names."""
    found = requests({"spec": {**asking("2", "4Gi"), "resources": {"requests": {"cpu": "1"}}}})
    assert str(found) == "1 cpu, 4Gi memory"


def test_an_amount_that_is_none_counts_as_nothing() -> None:
    """The API server has refused it already, or it is a newer form than is known here."""
    assert str(Amounts.of({"cpu": "many", "memory": "-"})) == str(Amounts.of({}))


SLOW = {
    "type": "Progressing",
    "status": "False",
    "reason": "ProgressDeadlineExceeded",
    "message": 'ReplicaSet "web-2" has timed out progressing.',
}
QUOTA = (
    'pods "web-2-x" is forbidden: exceeded quota: small, requested: limits.cpu=1,requests.cpu=500m, '
    "used: limits.cpu=2,requests.cpu=1, limited: limits.cpu=2,requests.cpu=1"
)


def of(workload: Object, *around: Object) -> Cause | None:
    """Return the cause that a workload shows, with its newest ReplicaSet."""
    return workload_cause(workload, [replica_set()], Surroundings.of(around))


def refused(message: str) -> Object:
    """Return a Deployment that may make no pods."""
    condition = {"type": "ReplicaFailure", "status": "True", "reason": "FailedCreate", "message": message}
    return deployment(conditions=[condition])


def test_a_quota_is_told_with_its_amounts() -> None:
    """What was asked, what is used, what there is."""
    found = of(refused(QUOTA), warning("web-2", "FailedCreate", QUOTA, count=5))
    assert found is not None
    assert (found.kind, found.terminal) == (K.QUOTA, True)
    assert found.compared == (
        "asked: limits.cpu=1,requests.cpu=500m; used already: limits.cpu=2,requests.cpu=1; "
        "the quota: limits.cpu=2,requests.cpu=1"
    )
    assert found.event.startswith("FailedCreate (5 times): ")


@pytest.mark.parametrize(
    ("said", "terminal"),
    [
        ('admission webhook "policy" denied the request: no', True),
        ('pods "web" is forbidden: error looking up service account default/web: not found', True),
        ("Internal error occurred: failed calling webhook: context deadline exceeded", False),
    ],
    ids=["denied", "forbidden", "a webhook that does not answer"],
)
def test_pods_that_are_refused_are_told(said: str, *, terminal: bool) -> None:
    """There is no pod to look at, only the controller's word; a webhook may come back."""
    found = of(refused(said))
    assert found is not None
    assert (found.kind, found.terminal, found.pod) == (K.ADMISSION, terminal, "")
    assert said in found.sentence


def test_a_deadline_that_passed_is_told() -> None:
    """The chart's own progressDeadlineSeconds."""
    found = of(deployment(conditions=[SLOW]))
    assert found is not None
    assert (found.kind, found.terminal) == (K.PROGRESS_DEADLINE, True)


def test_a_deadline_of_another_template_is_no_cause() -> None:
    """The controller keeps the condition for a moment when a rollback brings an older ReplicaSet back."""
    stale = {**SLOW, "message": 'ReplicaSet "web-1" has timed out progressing.'}
    assert of(deployment(conditions=[stale])) is None


@pytest.mark.parametrize(
    "condition",
    [
        {"type": "Available", "status": "False", "reason": "MinimumReplicasUnavailable"},
        {"type": "Progressing", "status": "True", "reason": "ReplicaSetUpdated"},
        {"type": "ReplicaFailure", "status": "False", "message": "exceeded quota"},
    ],
    ids=["not available", "in progress", "a failure that is over"],
)
def test_a_deployment_on_its_way_has_no_cause(condition: dict[str, Any]) -> None:
    """Conditions that every rollout has."""
    assert of(deployment(conditions=[condition])) is None


def test_a_set_that_makes_no_pods_is_told_by_its_event() -> None:
    """It has no condition for that. The event may be of another time, so it must stand for a while to count."""
    event = warning("web", "FailedCreate", QUOTA)
    lacking = ({**stateful_set(replicas=2), "status": {"replicas": 1}}, daemon_set(currentNumberScheduled=0))
    for found in (of(entry, event) for entry in lacking):
        assert found is not None
        assert (found.kind, found.terminal) == (K.QUOTA, False)


def test_an_old_event_of_a_set_that_has_all_its_pods_is_no_cause() -> None:
    """Events are kept for an hour, and what they tell may be mended."""
    event = warning("web", "FailedCreate", QUOTA)
    assert of(stateful_set(replicas=2, readyReplicas=1), event) is None
    assert of(daemon_set(numberReady=0), event) is None


@pytest.mark.parametrize(
    ("event", "line"),
    [
        (None, ""),
        (warning("a", "BackOff", "again\n and again"), "BackOff: again and again"),
        (warning("a", "BackOff", "again", count=7), "BackOff (7 times): again"),
        ({"reason": "New", "message": "x", "series": {}, "count": None}, "New: x"),
    ],
    ids=["none", "one", "many", "newer form"],
)
def test_an_event_is_one_line(event: Object | None, line: str) -> None:
    """For a screen and a journal."""
    assert event_line(event) == line


def test_the_newest_warning_counts() -> None:
    """The API server gives them in no order; normal events are none."""
    early, late = (warning("a", "Failed", text, at=f"2026-01-01T00:00:0{text}Z") for text in "12")
    normal = {**warning("a", "Failed", "3", at="2026-01-01T00:00:03Z"), "type": "Normal"}
    around = Surroundings.of([late, normal, early])
    found = around.last("uid-a", "Failed")
    assert found is not None
    assert found["message"] == "2"
    assert around.last("uid-a", "Failed", text="1") == early
    assert around.last("uid-a", "Other") is None
    assert around.last("uid-b", "Failed") is None
