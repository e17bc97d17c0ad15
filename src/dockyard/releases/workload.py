"""What the cluster says about a release's workloads, judged: the rules of "Ready" and of "Failed".

Pure: the objects come from whoever watches. Sources: Kubernetes documentation, "Deployment status" and "Pod lifecycle";
what each failure looks like was measured on a live cluster.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from dockyard.model.lifecycle import DeploymentState
from dockyard.releases.causes import Object, Surroundings, pod_cause, workload_cause, worst
from dockyard.releases.containers import lasting_statuses

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Mapping, Sequence

    from dockyard.model.diagnosis import Cause

REVISION = "deployment.kubernetes.io/revision"

HASH = "controller-revision-hash"
"""The label that says which revision of a StatefulSet a pod is of."""

SERVICE_NAME = "kubernetes.io/service-name"
"""The label that names the Service of an EndpointSlice; a Service may have several."""

SETTLED = {
    "Deployment": ("updatedReplicas", "availableReplicas", "replicas"),
    "StatefulSet": ("updatedReplicas", "readyReplicas", "replicas"),
    "DaemonSet": ("updatedNumberScheduled", "numberAvailable"),
}
"""Counts of a status that are all what is wanted when a rollout is done."""


@dataclass(frozen=True, slots=True)
class Verdict:
    """How far a release is.

    Attributes:
        state: Pending, Running, Ready or Failed.
        ready: Pods that are ready, of the newest template.
        wanted: Pods there should be.
        text: What is still missing, one line.
        cause: What speaks against its ever becoming Ready; the state is Failed where that is terminal.
        pods: Names of the pods of the newest template, those that are not ready first.
    """

    state: DeploymentState
    ready: int = 0
    wanted: int = 0
    text: str = ""
    cause: Cause | None = None
    pods: tuple[str, ...] = field(default=())


def judge(
    workloads: Sequence[Object],
    services: Sequence[Object],
    live: Sequence[Object],
    *,
    everywhere: Sequence[Object] = (),
) -> Verdict:
    """Tell how far a release is.

    Args:
        workloads: The release's Deployments, StatefulSets and DaemonSets, as rendered.
        services: Its Services, as rendered.
        live: The namespace's workloads, ReplicaSets, Pods, EndpointSlices and warnings, and the cluster's nodes.
        everywhere: Pods of every namespace, where somebody asked how much room the nodes have.
    """
    index = {(entry["kind"], entry["metadata"]["name"]): entry for entry in live}
    around = Surroundings.of(live, everywhere=everywhere)
    verdicts = [
        _judge_one(index.get((entry["kind"], entry["metadata"]["name"])), entry, live, around) for entry in workloads
    ]
    serving = _serving_services(live)
    verdicts += [_judge_service(entry, serving) for entry in services]
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
        leading.cause or next((verdict.cause for verdict in verdicts if verdict.cause), None),
        tuple(pod for verdict in verdicts for pod in verdict.pods),
    )


def _judge_one(live: Object | None, rendered: Object, objects: Sequence[Object], around: Surroundings) -> Verdict:
    name = f"{rendered['kind']} {rendered['metadata']['name']}"
    if live is None:
        return Verdict(DeploymentState.PENDING, text=f"{name} is not there yet")
    wanted, ready = _counts(live)
    if not is_observed(live):  # status, conditions and pods are still those of the template before
        return Verdict(
            DeploymentState.PENDING, 0, wanted, f"{name} has changed, and its controller has not seen it yet"
        )
    sets, pods = _newest(live, objects)
    ready = min(ready, sum(map(is_pod_ready, pods)))  # the status counts those of the template before, too
    names = tuple(pod["metadata"]["name"] for pod in sorted(pods, key=is_pod_ready))
    if _is_settled(live, wanted):
        return Verdict(DeploymentState.READY, ready, wanted, "", None, names)
    found = (workload_cause(live, sets, around), *(pod_cause(pod, around) for pod in pods))
    cause = worst(entry for entry in found if entry)
    if cause and cause.terminal:
        return Verdict(DeploymentState.FAILED, ready, wanted, cause.sentence, cause, names)
    running = sum(_is_running(pod) for pod in pods)
    if running < wanted:
        return Verdict(DeploymentState.PENDING, ready, wanted, f"{running} of {wanted} pods run", cause, names)
    return Verdict(DeploymentState.RUNNING, ready, wanted, f"{ready} of {wanted} pods are ready", cause, names)


def _counts(live: Object) -> tuple[int, int]:
    status = live.get("status", {})
    if live["kind"] == "DaemonSet":
        return status.get("desiredNumberScheduled", 0), status.get("numberReady", 0)
    wanted = live["spec"].get("replicas", 1)
    return wanted, min(status.get("updatedReplicas", 0), status.get("readyReplicas", 0))


def is_observed(live: Object) -> bool:
    """Tell whether a workload's controller has seen its newest template."""
    observed = live.get("status", {}).get("observedGeneration", 0)
    return bool(observed >= live["metadata"].get("generation", 0))


def _is_settled(live: Object, wanted: int) -> bool:
    status = live.get("status", {})
    return all(status.get(key, 0) == wanted for key in SETTLED[live["kind"]])


def _newest(live: Object, objects: Sequence[Object]) -> tuple[list[Object], list[Object]]:
    """Return the newest ReplicaSet, where there are such, and the pods of the newest template."""
    if live["kind"] != "Deployment":
        return [], newest_pods(live, objects)
    owner = live["metadata"]["uid"]
    revision = live["metadata"].get("annotations", {}).get(REVISION)
    sets = (entry for entry in objects if entry["kind"] == "ReplicaSet" and _owned(entry, owner))
    newest = [entry for entry in sets if entry["metadata"].get("annotations", {}).get(REVISION) == revision]
    return newest, newest_pods(newest[0], objects) if newest else []


def newest_pods(owner: Object, objects: Iterable[Object]) -> list[Object]:
    """Return an owner's pods; of a StatefulSet those of its newest revision alone, where it names one.

    Others say nothing about a rollout.
    """
    revision = owner.get("status", {}).get("updateRevision") if owner["kind"] == "StatefulSet" else None
    pods = pods_of(owner, objects)
    return [pod for pod in pods if revision is None or (pod["metadata"].get("labels") or {}).get(HASH) == revision]


def pods_of(owner: Object, objects: Iterable[Object]) -> list[Object]:
    """Return an owner's pods, but for those on their way out."""
    uid = owner["metadata"]["uid"]
    mine = (entry for entry in objects if entry["kind"] == "Pod" and _owned(entry, uid))
    return [pod for pod in mine if "deletionTimestamp" not in pod["metadata"]]


def _owned(entry: Object, uid: str) -> bool:
    return any(owner["uid"] == uid for owner in entry["metadata"].get("ownerReferences", ()))


def _is_running(pod: Object) -> bool:
    statuses = lasting_statuses(pod)
    return bool(statuses) and all("running" in status.get("state", {}) for status in statuses)


def is_pod_ready(pod: Object) -> bool:
    """Whether every container and every sidecar of a pod is ready."""
    statuses = lasting_statuses(pod)
    return bool(statuses) and all(status.get("ready") for status in statuses)


def _serving_services(live: Iterable[Object]) -> frozenset[str]:
    """Return the names of the Services that have a ready endpoint."""
    slices = (entry for entry in live if entry["kind"] == "EndpointSlice")
    return frozenset(
        (entry["metadata"].get("labels") or {}).get(SERVICE_NAME, "")
        for entry in slices
        if any(_is_endpoint_ready(endpoint) for endpoint in entry.get("endpoints") or ())
    )


def _is_endpoint_ready(endpoint: Mapping[str, Any]) -> bool:
    """Whether an endpoint is ready; one that does not say is (API reference, "EndpointConditions")."""
    return (endpoint.get("conditions") or {}).get("ready") is not False


def _judge_service(rendered: Object, serving: Collection[str]) -> Verdict:
    """A Service without a selector has no endpoints of ours; one with a selector must lead somewhere."""
    name = rendered["metadata"]["name"]
    if not rendered["spec"].get("selector") or name in serving:
        return Verdict(DeploymentState.READY)
    return Verdict(DeploymentState.RUNNING, text=f"Service {name} has no ready endpoint")
