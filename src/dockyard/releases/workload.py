"""What the cluster says about a release's workloads, judged: the rules of "Ready" and of "Failed".

Pure: the objects come from whoever watches. Sources: Kubernetes documentation, "Deployment status" and "Pod lifecycle";
what each failure looks like was measured on a live cluster.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from dockyard.model.lifecycle import DeploymentState

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

Object = dict[str, Any]

REVISION = "deployment.kubernetes.io/revision"

FATAL_WAITING = {
    "ErrImageNeverPull": "its image is not in the node, and it may not be pulled",
    "ErrImagePull": "its image cannot be pulled",
    "ImagePullBackOff": "its image cannot be pulled",
    "InvalidImageName": "its image has no valid name",
    "CreateContainerConfigError": "its configuration is not complete",
    "RunContainerError": "its command cannot be run",
    "CreateContainerError": "its container cannot be made",
}
"""Reasons of a waiting container that do not mend themselves."""

CRASHES = 2
"""Ends of a container that are a crash loop; one first crash is forgiven."""

SETTLED = {
    "Deployment": ("updatedReplicas", "availableReplicas", "replicas"),
    "StatefulSet": ("updatedReplicas", "readyReplicas", "replicas"),
    "DaemonSet": ("updatedNumberScheduled", "numberAvailable"),
}
"""Counts of a status that are all what is wanted when a rollout is done."""


@dataclass(frozen=True, slots=True)
class Cause:
    """Why a rollout cannot succeed.

    Attributes:
        sentence: The cause for people.
        pod: The pod that shows it.
        container: The container, or an empty string where the pod never got so far.
    """

    sentence: str
    pod: str
    container: str = ""


@dataclass(frozen=True, slots=True)
class Verdict:
    """How far a release is.

    Attributes:
        state: Pending, Running, Ready or Failed.
        ready: Pods that are ready, of the newest template.
        wanted: Pods there should be.
        text: What is still missing, one line.
        cause: Why it failed, where it did.
        pods: Names of the pods of the newest template, those that are not ready first.
    """

    state: DeploymentState
    ready: int = 0
    wanted: int = 0
    text: str = ""
    cause: Cause | None = None
    pods: tuple[str, ...] = field(default=())


def judge(workloads: Sequence[Object], services: Sequence[Object], live: Sequence[Object]) -> Verdict:
    """Tell how far a release is.

    Args:
        workloads: The release's Deployments, StatefulSets and DaemonSets, as rendered.
        services: Its Services, as rendered.
        live: The cluster's workloads, ReplicaSets, Pods and Endpoints.
    """
    index = {(entry["kind"], entry["metadata"]["name"]): entry for entry in live}
    verdicts = [_judge_one(index.get((entry["kind"], entry["metadata"]["name"])), entry, live) for entry in workloads]
    verdicts += [_judge_service(index.get(("Endpoints", entry["metadata"]["name"])), entry) for entry in services]
    return _worst(verdicts)


def _worst(verdicts: Iterable[Verdict]) -> Verdict:
    verdicts = tuple(verdicts)
    order = (DeploymentState.FAILED, DeploymentState.PENDING, DeploymentState.RUNNING, DeploymentState.READY)
    leading = min(verdicts, key=lambda verdict: order.index(verdict.state), default=Verdict(DeploymentState.READY))
    return Verdict(
        leading.state,
        sum(verdict.ready for verdict in verdicts),
        sum(verdict.wanted for verdict in verdicts),
        leading.text,
        leading.cause,
        tuple(pod for verdict in verdicts for pod in verdict.pods),
    )


def _judge_one(live: Object | None, rendered: Object, objects: Sequence[Object]) -> Verdict:
    name = f"{rendered['kind']} {rendered['metadata']['name']}"
    if live is None:
        return Verdict(DeploymentState.PENDING, text=f"{name} is not there yet")
    wanted, ready = _counts(live)
    if not _is_observed(live):  # status, conditions and pods are still those of the template before
        return Verdict(
            DeploymentState.PENDING, 0, wanted, f"{name} has changed, and its controller has not seen it yet"
        )
    pods = _newest_pods(live, objects)
    names = tuple(pod["metadata"]["name"] for pod in sorted(pods, key=_is_pod_ready))
    cause = next((cause for pod in pods if (cause := _cause(pod))), None) or _deadline(live)
    if cause:
        return Verdict(DeploymentState.FAILED, ready, wanted, cause.sentence, cause, names)
    if _is_settled(live, wanted):
        return Verdict(DeploymentState.READY, ready, wanted, "", None, names)
    running = sum(_is_running(pod) for pod in pods)
    if running < wanted:
        return Verdict(DeploymentState.PENDING, ready, wanted, f"{running} of {wanted} pods run", None, names)
    return Verdict(DeploymentState.RUNNING, ready, wanted, f"{ready} of {wanted} pods are ready", None, names)


def _counts(live: Object) -> tuple[int, int]:
    status = live.get("status", {})
    if live["kind"] == "DaemonSet":
        return status.get("desiredNumberScheduled", 0), status.get("numberReady", 0)
    wanted = live["spec"].get("replicas", 1)
    return wanted, min(status.get("updatedReplicas", 0), status.get("readyReplicas", 0))


def _is_observed(live: Object) -> bool:
    observed = live.get("status", {}).get("observedGeneration", 0)
    return bool(observed >= live["metadata"].get("generation", 0))


def _is_settled(live: Object, wanted: int) -> bool:
    status = live.get("status", {})
    return all(status.get(key, 0) == wanted for key in SETTLED[live["kind"]])


def _newest_pods(live: Object, objects: Sequence[Object]) -> list[Object]:
    """Return the pods of the newest template: those of old ReplicaSets say nothing about this rollout."""
    owner = live["metadata"]["uid"]
    if live["kind"] == "Deployment":
        revision = live["metadata"].get("annotations", {}).get(REVISION)
        sets = (entry for entry in objects if entry["kind"] == "ReplicaSet" and _owned(entry, owner))
        newest = [entry for entry in sets if entry["metadata"].get("annotations", {}).get(REVISION) == revision]
        owner = newest[0]["metadata"]["uid"] if newest else ""
    return [
        entry
        for entry in objects
        if entry["kind"] == "Pod" and _owned(entry, owner) and "deletionTimestamp" not in entry["metadata"]
    ]


def _owned(entry: Object, uid: str) -> bool:
    return any(owner["uid"] == uid for owner in entry["metadata"].get("ownerReferences", ()))


def _is_running(pod: Object) -> bool:
    statuses = pod.get("status", {}).get("containerStatuses", [])
    return bool(statuses) and all("running" in status.get("state", {}) for status in statuses)


def _is_pod_ready(pod: Object) -> bool:
    statuses = pod.get("status", {}).get("containerStatuses", [])
    return bool(statuses) and all(status.get("ready") for status in statuses)


def _cause(pod: Object) -> Cause | None:
    name = pod["metadata"]["name"]
    for condition in pod.get("status", {}).get("conditions", ()):
        if condition["type"] == "PodScheduled" and condition.get("reason") == "Unschedulable":
            return Cause(f"No node has room for pod {name}: {condition.get('message', '')}", name)
    statuses = pod.get("status", {})
    for status in (*statuses.get("initContainerStatuses", ()), *statuses.get("containerStatuses", ())):
        if sentence := _container_cause(status):
            return Cause(f"Container {status['name']} of pod {name} does not start: {sentence}", name, status["name"])
    return None


def _container_cause(status: Object) -> str:
    waiting = status.get("state", {}).get("waiting", {})
    if reason := FATAL_WAITING.get(waiting.get("reason", "")):
        return f"{reason} ({waiting['reason']}: {waiting.get('message', 'no message')})"
    # Restarts alone prove nothing: each stop of the node adds one. The kubelet's own word does: it lets a container
    # wait only from its second crash in a row on, for 10 s and longer.
    crashes = status.get("restartCount", 0) + 1
    if waiting.get("reason") != "CrashLoopBackOff" or crashes < CRASHES:
        return ""
    ended = status.get("lastState", {}).get("terminated", {})
    return f"it ended {crashes} times, last with exit code {ended.get('exitCode', '?')}" + (
        " because it took more memory than its limit (OOMKilled)" if ended.get("reason") == "OOMKilled" else ""
    )


def _deadline(live: Object) -> Cause | None:
    for condition in live.get("status", {}).get("conditions", ()):
        if condition["type"] == "Progressing" and condition.get("reason") == "ProgressDeadlineExceeded":
            return Cause(condition.get("message", "The progress deadline was exceeded"), "")
        if condition["type"] == "ReplicaFailure" and condition["status"] == "True":
            return Cause(f"No pod can be made: {condition.get('message', '')}", "")
    return None


def _judge_service(live: Mapping[str, Any] | None, rendered: Object) -> Verdict:
    """A Service without a selector has no endpoints of ours; one with a selector must lead somewhere."""
    if not rendered["spec"].get("selector"):
        return Verdict(DeploymentState.READY)
    subsets = (live or {}).get("subsets") or ()
    if any(subset.get("addresses") for subset in subsets):
        return Verdict(DeploymentState.READY)
    name = rendered["metadata"]["name"]
    return Verdict(DeploymentState.RUNNING, text=f"Service {name} has no ready endpoint")
