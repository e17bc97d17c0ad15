"""Why a pod does not become Ready: the rules that tell what waiting cannot mend from what it may.

Pure: the objects come from whoever watches. What each failure looks like was measured on a live cluster; the words are
those of Kubernetes 1.28 to 1.37 (kubelet's container reasons, "Pod Lifecycle", "Configure Probes", "Resource Quotas").
"""

from __future__ import annotations

import re
from collections import defaultdict
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any, TypeVar

from dockyard.charts.pods import containers, peak
from dockyard.model.diagnosis import Cause, CauseKind
from dockyard.model.errors import RuleError
from dockyard.model.quantity import CpuQuantity, MemoryQuantity

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

Object = dict[str, Any]
Q = TypeVar("Q", CpuQuantity, MemoryQuantity)

SECONDS = len("2026-01-01T00:00:00")
"""The length of a time without fractions of a second."""

CRASHES = 2
"""Ends of a container that are a crash loop; one first crash is forgiven."""

KILLED = frozenset({128 + 9, 128 + 15})
"""Exit codes of a container that SIGKILL or SIGTERM ended: the kubelet sends them where a probe fails."""

NOT_THERE = re.compile(
    r"not found|does not exist|manifest unknown|denied|unauthorized|authorization failed"
    r"|no such host|connection refused|network is unreachable|certificate",
    re.IGNORECASE,
)
"""What a registry, or the way to one, says where asking again is of no use; anything else may be a slow network."""

MAY_PASS = re.compile(
    r"deadline exceeded|timed? ?out|is reserved for|failed to reserve|connection refused", re.IGNORECASE
)
"""What a container runtime, or the kubelet that waits for its copy of a ConfigMap, says when it is busy."""

GONE = re.compile(r"not found|non-existent", re.IGNORECASE)
"""What the kubelet says of a Secret, a ConfigMap or a key of one that a volume names and nobody has."""

MADE_LATER = "kube-root-ca.crt"
"""A ConfigMap that Kubernetes itself puts into every namespace, some moments after that is made."""

PULLS = frozenset({"ErrImagePull", "ImagePullBackOff", "ErrImageInspect", "RegistryUnavailable"})
BEFORE_START = frozenset({"ContainerCreating", "PodInitializing"})
STARTS = frozenset({"RunContainerError", "CreateContainerError", "StartError", "ContainerCannotRun"})
TERMINAL = {
    "ErrImageNeverPull": (CauseKind.IMAGE_NOT_FOUND, "its image is not in the node, and it may not be pulled"),
    "InvalidImageName": (CauseKind.INVALID_IMAGE_NAME, "its image has no valid name"),
    "CreateContainerConfigError": (CauseKind.CONFIG_ERROR, "its configuration is not complete"),
}
"""Reasons of a waiting container that do not mend themselves."""

FIXES = {
    CauseKind.IMAGE_NOT_FOUND: "Run `./inv deploy`, which loads what is missing, or correct the image's name",
    CauseKind.INVALID_IMAGE_NAME: "Correct the image's name in the chart or its values",
    CauseKind.CONFIG_ERROR: "Give the chart the Secret, the ConfigMap or the key that is named",
    CauseKind.START_ERROR: "Correct the image's command, or the chart's `command` and `args`",
    CauseKind.CRASH_LOOP: "Its last lines say why it ends; run the image with `docker run` to try it alone",
    CauseKind.OUT_OF_MEMORY: "Raise resources.limits.memory in the chart's values, or make the program use less",
    CauseKind.UNSCHEDULABLE: "Lower resources.requests in the chart's values, or give the node more (with Minikube "
    "cluster.cpus and cluster.memory)",
    CauseKind.QUOTA: "Raise the namespace's quota (`kubectl get resourcequota`), or ask for less",
    CauseKind.ADMISSION: "Change what the message names; `kubectl get events` shows it again",
    CauseKind.PROGRESS_DEADLINE: "See why its pods are slow, or raise spec.progressDeadlineSeconds in the chart",
    CauseKind.PROBE: "Ask the path that the probe asks; where the app needs longer, raise the release's `grace`",
}
"""The next step for each kind of cause."""


@dataclass(frozen=True, slots=True)
class Surroundings:
    """What is around a release's pods.

    Attributes:
        events: The namespace's warnings, by the uid of the object that each is about, oldest first.
        nodes: The cluster's nodes; empty where nobody asked for room.
        pods: Pods of every namespace; empty where nobody asked for room.
    """

    events: Mapping[str, Sequence[Object]] = field(default_factory=dict)
    nodes: Sequence[Object] = ()
    pods: Sequence[Object] = ()

    @classmethod
    def of(cls, objects: Iterable[Object], *, everywhere: Sequence[Object] = ()) -> Surroundings:
        """Sort out what is around from what the cluster has."""
        events: dict[str, list[Object]] = defaultdict(list)
        nodes = []
        for entry in objects:
            if entry["kind"] == "Event" and entry.get("type") != "Normal":
                events[entry.get("involvedObject", {}).get("uid", "")].append(entry)
            elif entry["kind"] == "Node":
                nodes.append(entry)
        for found in events.values():
            found.sort(key=_last_seen)
        return cls(events, nodes, everywhere)

    def last(self, uid: str, *reasons: str, text: str = "", container: str = "") -> Object | None:
        """Return the newest warning about an object with one of these reasons and that text in it.

        Args:
            uid: The uid of the object.
            reasons: The reasons.
            text: The text; any by default.
            container: The container of the pod that it is about; any by default.
        """
        found = (
            event
            for event in reversed(self.events.get(uid, ()))
            if event.get("reason") in reasons
            and text in event.get("message", "")
            and (not container or event.get("involvedObject", {}).get("fieldPath", "").endswith(f"{{{container}}}"))
        )
        return next(found, None)


def _last_seen(event: Object) -> str:
    """Return when an event happened last; the scheduler's have other fields than the kubelet's."""
    series = event.get("series") or {}
    return str(event.get("lastTimestamp") or series.get("lastObservedTime") or event.get("eventTime") or "")


def pod_cause(pod: Object, around: Surroundings) -> Cause | None:
    """Return why a pod that is not ready cannot become so, or may not; None where nothing speaks against it."""
    for condition in pod.get("status", {}).get("conditions", ()):
        if condition["type"] == "PodScheduled" and condition.get("reason") == "Unschedulable":
            return _unschedulable(pod, condition.get("message", ""), around)
    status = pod.get("status", {})
    listed = (*status.get("initContainerStatuses", ()), *status.get("containerStatuses", ()))
    found = [cause for entry in listed if not _is_done(entry) and (cause := _container_cause(pod, entry, around))]
    return worst(found)


def worst(causes: Iterable[Cause]) -> Cause | None:
    """Return the cause that decides: a terminal one before others."""
    return min(causes, key=lambda cause: not cause.terminal, default=None)


def workload_cause(live: Object, sets: Sequence[Object], around: Surroundings) -> Cause | None:
    """Return why a workload makes no pods, or does not get on.

    Args:
        live: The workload.
        sets: Its newest ReplicaSet, where it has some.
        around: What is around.
    """
    name = f"{live['kind']} {live['metadata']['name']}"
    for condition in live.get("status", {}).get("conditions", ()):
        said = condition.get("message", "")
        if condition["type"] == "ReplicaFailure" and condition["status"] == "True":
            return _refused_pods(name, said, _event(around, "FailedCreate", live, *sets))
        if condition.get("reason") == "ProgressDeadlineExceeded" and not _of_another(said, sets):
            return _cause(CauseKind.PROGRESS_DEADLINE, f"{name} made no progress within its deadline: {said}")
    if live["kind"] != "Deployment" and _lacks_pods(live) and (refused := _event(around, "FailedCreate", live)):
        # Events are kept for an hour: this one may tell of what was mended since, and so it must stand for a while.
        return replace(_refused_pods(name, refused.get("message", ""), refused), terminal=False)
    return None


def _of_another(said: str, sets: Sequence[Object]) -> bool:
    """Tell whether a condition names another ReplicaSet: a rollback has just brought the newest one back."""
    named = re.match(r'ReplicaSet "(?P<name>[^"]+)"', said)
    return named is not None and bool(sets) and named["name"] not in {entry["metadata"]["name"] for entry in sets}


def _lacks_pods(live: Object) -> bool:
    """Tell whether a StatefulSet or a DaemonSet has fewer pods than there should be, ready or not."""
    status = live.get("status", {})
    if live["kind"] == "DaemonSet":
        return bool(status.get("currentNumberScheduled", 0) < status.get("desiredNumberScheduled", 0))
    return bool(status.get("replicas", 0) < live["spec"].get("replicas", 1))


def event_line(event: Object | None) -> str:
    """Return an event as one line: `FailedScheduling (3 times): 0/1 nodes are available`."""
    if event is None:
        return ""
    count = event.get("count") or (event.get("series") or {}).get("count") or 1
    times = f" ({count} times)" if count > 1 else ""
    return f"{event.get('reason', '')}{times}: {' '.join(event.get('message', '').split())}"


def _cause(kind: CauseKind, sentence: str, **facts: Any) -> Cause:  # noqa: ANN401 - fields of Cause
    return Cause(kind, " ".join(sentence.split()).rstrip("."), fix=FIXES[kind], **facts)


def _event(around: Surroundings, reason: str, *objects: Object) -> Object | None:
    found = (around.last(entry["metadata"].get("uid", ""), reason) for entry in objects)
    return next((event for event in found if event), None)


def _refused_pods(name: str, said: str, event: Object | None) -> Cause:
    line = event_line(event)
    if "exceeded quota" in said:
        asked = re.search(r"requested: (?P<asked>[^,]+(?:,[^:]+)*), used: (?P<used>.+), limited: (?P<limited>.+)", said)
        compared = (
            f"asked: {asked['asked']}; used already: {asked['used']}; the quota: {asked['limited']}" if asked else ""
        )
        return _cause(CauseKind.QUOTA, f"{name} may make no more pods: {said}", compared=compared, event=line)
    terminal = re.search(r"denied|forbidden|invalid|not allowed|unable to validate", said, re.IGNORECASE) is not None
    return _cause(CauseKind.ADMISSION, f"The API server lets {name} make no pod: {said}", terminal=terminal, event=line)


def _is_done(status: Object) -> bool:
    """Tell whether a container needs no more: it is ready, or it was to end and did so well."""
    ended = status.get("state", {}).get("terminated", {})
    return bool(status.get("ready")) or (ended.get("exitCode") == 0 and ended.get("reason") == "Completed")


def _container_cause(pod: Object, status: Object, around: Surroundings) -> Cause | None:
    name, uid = pod["metadata"]["name"], pod["metadata"].get("uid", "")
    where = {"pod": name, "container": status["name"]}
    who = f"Container {status['name']} of pod {name}"
    state = status.get("state", {})
    waiting, ended = state.get("waiting", {}), state.get("terminated", {})
    reason, said = waiting.get("reason", ""), waiting.get("message", "no message")
    if reason in TERMINAL:
        kind, sentence = TERMINAL[reason]
        line = event_line(around.last(uid, "Failed", reason, "ErrImageNeverPull", "InspectFailed"))
        terminal = MAY_PASS.search(said) is None
        return _cause(kind, f"{who} does not start: {sentence} ({said})", terminal=terminal, event=line, **where)
    if reason in PULLS:
        return _pull(who, said, around.last(uid, "Failed", text="Failed to pull image"), where)
    for ending in (waiting, ended, _last(status)):
        if ending.get("reason") in STARTS:
            why = ending.get("message", "no message")
            terminal = MAY_PASS.search(why) is None
            line = event_line(around.last(uid, "Failed"))
            return _cause(
                CauseKind.START_ERROR, f"{who} cannot be started: {why}", terminal=terminal, event=line, **where
            )
    if reason in BEFORE_START and (unmounted := around.last(uid, "FailedMount")):
        return _unmounted(who, unmounted, where)
    return _ended(pod, status, who, around, where) or _unready(pod, status, who, around, where)


def _last(status: Object) -> Object:
    """Return how a container's run before ended; nothing where it runs again, since that one may do better."""
    if "running" in status.get("state", {}):
        return {}
    ended: Object = status.get("lastState", {}).get("terminated", {})
    return ended


def _unmounted(who: str, event: Object, where: Mapping[str, str]) -> Cause:
    """A volume that cannot be had keeps all containers of a pod from being made."""
    said = event.get("message", "no message")
    return _cause(
        CauseKind.CONFIG_ERROR,
        f"{who} does not start: a volume of its pod cannot be had ({said})",
        terminal=GONE.search(said) is not None and MADE_LATER not in said,
        event=event_line(event),
        **where,
    )


def _pull(who: str, said: str, event: Object | None, where: Mapping[str, str]) -> Cause:
    """The first refusal has the registry's words, the later back-off has not; the event keeps the first."""
    words = event.get("message", said) if event else said
    terminal = NOT_THERE.search(words) is not None
    return _cause(
        CauseKind.IMAGE_NOT_FOUND,
        f"{who} does not start: its image cannot be pulled ({words})",
        terminal=terminal,
        event=event_line(event),
        **where,
    )


def _ended(pod: Object, status: Object, who: str, around: Surroundings, where: Mapping[str, str]) -> Cause | None:
    state, last = status.get("state", {}), _last(status)
    ended = state.get("terminated") or last
    if ended.get("reason") == "OOMKilled":
        limit = _resources(pod, status["name"], "limits").get("memory", "none")
        compared = f"the container's memory limit: {limit}"
        return _cause(
            CauseKind.OUT_OF_MEMORY,
            f"{who} took more memory than its limit and was killed (OOMKilled)",
            compared=compared,
            **where,
        )
    # Restarts alone prove nothing: each stop of the node adds one. The kubelet delays a start only from the second
    # crash in a row on.
    crashes = status.get("restartCount", 0) + 1
    if crashes < CRASHES or not _is_backing_off(pod, status, around):
        return None
    uid, code = pod["metadata"].get("uid", ""), ended.get("exitCode", "?")
    failed = around.last(uid, "Unhealthy", text="Liveness") or around.last(uid, "Unhealthy", text="Startup")
    because = f", killed for its probe ({event_line(failed)})" if failed and code in KILLED else ""
    return _cause(
        CauseKind.CRASH_LOOP,
        f"{who} ended {crashes} times, last with exit code {code}{because}",
        event=event_line(around.last(uid, "BackOff")),
        **where,
    )


def _is_backing_off(pod: Object, status: Object, around: Surroundings) -> bool:
    """Whether the kubelet delays the next start of a container.

    Its event says so at once. The state CrashLoopBackOff may be shown at the end of the delay only, for a moment.
    """
    state = status.get("state", {})
    if state.get("waiting", {}).get("reason") == "CrashLoopBackOff":
        return True
    uid, container = pod["metadata"].get("uid", ""), status["name"]
    event = around.last(uid, "BackOff", text="restarting failed container", container=container)
    ended = state.get("terminated", {}).get("finishedAt")
    return bool(event and ended and _last_seen(event)[:SECONDS] >= ended[:SECONDS])


def _unready(pod: Object, status: Object, who: str, around: Surroundings, where: Mapping[str, str]) -> Cause | None:
    """A container that runs and is not ready: it may become so. While its start-up probe runs nothing is said."""
    if "running" not in status.get("state", {}) or status.get("started") is False:
        return None
    said = around.last(pod["metadata"].get("uid", ""), "Unhealthy", text="Readiness")
    if said is None:
        return None
    return _cause(
        CauseKind.PROBE,
        f"{who} runs and is not ready: {said.get('message', '')}",
        terminal=False,
        event=event_line(said),
        **where,
    )


def _unschedulable(pod: Object, said: str, around: Surroundings) -> Cause:
    """A pod that asks for more than any node has never gets it; others may leave and make room."""
    asked = requests(pod)
    rooms = [_room(node, around.pods) for node in around.nodes]
    compared = "; ".join((f"asked: {asked}", *(room.text for room in rooms))) if rooms else ""
    return _cause(
        CauseKind.UNSCHEDULABLE,
        f"No node has room for pod {pod['metadata']['name']}: {said}",
        terminal=bool(rooms) and not any(asked.fits(room.has) for room in rooms),
        pod=pod["metadata"]["name"],
        compared=compared,
        event=event_line(around.last(pod["metadata"].get("uid", ""), "FailedScheduling")),
    )


@dataclass(frozen=True, slots=True)
class Amounts:
    """CPU and memory together.

    Attributes:
        cpu: Cores.
        memory: Bytes.
    """

    cpu: CpuQuantity
    memory: MemoryQuantity

    def __str__(self) -> str:
        """Return both as Kubernetes writes them."""
        return f"{self.cpu} cpu, {self.memory} memory"

    def fits(self, room: Amounts) -> bool:
        """Tell whether both are there."""
        return self.cpu <= room.cpu and self.memory <= room.memory

    @classmethod
    def of(cls, given: Mapping[str, str]) -> Amounts:
        """Read a mapping of resources; what is not there, or is no amount, counts as none."""
        return cls(_read(CpuQuantity, given.get("cpu")), _read(MemoryQuantity, given.get("memory")))

    @classmethod
    def total(cls, amounts: Sequence[Amounts]) -> Amounts:
        """Return the sum."""
        return cls(CpuQuantity(sum(one.cpu for one in amounts)), MemoryQuantity(sum(one.memory for one in amounts)))


def _read(kind: type[Q], given: object) -> Q:
    try:
        return kind.parse(given) if isinstance(given, str | int | float) else kind(0)
    except RuleError:
        return kind(0)


@dataclass(frozen=True, slots=True)
class _Room:
    """What a node could give to pods, were it empty.

    Attributes:
        has: What it has.
        text: The same, and what is asked of it already, for people.
    """

    has: Amounts
    text: str


def _room(node: Object, pods: Sequence[Object]) -> _Room:
    name = node["metadata"]["name"]
    has = Amounts.of(node.get("status", {}).get("allocatable", {}))
    there = [pod for pod in pods if pod["spec"].get("nodeName") == name and _takes_room(pod)]
    used = Amounts.total([requests(pod) for pod in there])
    return _Room(has, f"node {name} has {has}, of which its pods ask for {used}")


def _takes_room(pod: Object) -> bool:
    return pod.get("status", {}).get("phase") not in {"Succeeded", "Failed"}


def requests(pod: Object) -> Amounts:
    """Return what the scheduler counts for a pod: its own requests, else those of its containers, and its overhead."""
    spec = pod["spec"]
    own, overhead = spec.get("resources", {}).get("requests", {}), Amounts.of(spec.get("overhead", {}))
    given = [(one, Amounts.of(one.content.get("resources", {}).get("requests", {}))) for one in containers(spec)]
    of_pod = Amounts.of(own)
    cpu = of_pod.cpu if "cpu" in own else peak((one, amounts.cpu) for one, amounts in given)
    memory = of_pod.memory if "memory" in own else peak((one, amounts.memory) for one, amounts in given)
    return Amounts(CpuQuantity(cpu + overhead.cpu), MemoryQuantity(memory + overhead.memory))


def _resources(pod: Object, container: str, kind: str) -> Mapping[str, str]:
    listed = (*pod["spec"].get("containers", ()), *pod["spec"].get("initContainers", ()))
    found = (one for one in listed if one["name"] == container)
    resources: Mapping[str, str] = (next(found, None) or {}).get("resources", {}).get(kind, {})
    return resources
