"""Checks of what pods ask of a node, of how many there are, of their probes and of how they are replaced (DY3xx).

Source of the figures: data-model.md, section 3; of the arithmetic: Kubernetes documentation, "Resource Management for
Pods and Containers", "Init Containers", "Deployments".
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from dockyard.charts.documents import mapping
from dockyard.charts.manifests import WORKLOADS
from dockyard.charts.pods import peak, pod_templates
from dockyard.charts.readback import as_asked
from dockyard.checks.catalogue import check
from dockyard.checks.finding import Place, Severity
from dockyard.checks.reading import AMOUNTS, amount, dig, mappings, number, shown
from dockyard.model.deployment import MAX_REPLICAS, MIN_REPLICAS

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from dockyard.charts.manifests import Manifests
    from dockyard.charts.pods import Container, PodTemplate
    from dockyard.checks.finding import Hit
    from dockyard.checks.subject import Subject

MEGABYTE = 1024 * 1024
"""As clusters count their memory (data-model.md, section 7; Minikube and Docker take MB as MiB)."""

SCALED = frozenset({"Deployment", "StatefulSet", "ReplicaSet"})
"""What has a number of replicas."""

ROLLING = {"Deployment": "strategy", "DaemonSet": "updateStrategy"}
"""What can add pods in an update, and the key that says so."""

SHARE = re.compile(r"([0-9]{1,6})%")
ZERO = frozenset({"0", "0%"})

DEFAULT_SHARE = "25%"
"""maxSurge and maxUnavailable of a Deployment that says nothing (Kubernetes API, RollingUpdateDeployment)."""


@check(
    "DY301",
    "every container has limits for CPU and memory",
    why="One container without limits can take the whole node, and every other pod with it (data-model.md, section 3).",
    fix="Set resources.limits.cpu and resources.limits.memory.",
)
def no_limits(subject: Subject) -> Iterator[Hit]:
    """Find containers that lack a limit of their own and of their pod."""
    for release, template, container in subject.containers():
        limits, of_pod = (mapping(dig(one, "resources", "limits")) for one in (container.content, template.spec))
        if missing := [name for name in AMOUNTS if limits.get(name) is None and of_pod.get(name) is None]:
            place = release.place(template.owner, f"{container.path}.resources.limits")
            yield place, f"{_called(container)} has no limit for {' and '.join(missing)}"


@check(
    "DY302",
    "every container requests CPU and memory",
    why="Without requests the scheduler puts any number of pods on a node, until the node kills some "
    "(data-model.md, section 3).",
    fix="Set resources.requests.cpu and resources.requests.memory.",
)
def no_requests(subject: Subject) -> Iterator[Hit]:
    """Find containers that lack a request of their own and of their pod; a limit counts as a request, too."""
    for release, template, container in subject.containers():
        holders = (container.content, template.spec)
        if missing := [name for name in AMOUNTS if all(_stated(one, name) is None for one in holders)]:
            place = release.place(template.owner, f"{container.path}.resources.requests")
            yield place, f"{_called(container)} has no request for {' and '.join(missing)}"


@check(
    "DY303",
    "no request is over its limit",
    why="The API server refuses the object, and the deploy fails.",
    fix="Raise the limit, or lower the request.",
)
def request_over_limit(subject: Subject) -> Iterator[Hit]:
    """Find requests that are more than the limit of the same container."""
    for release, template, container in subject.containers():
        for name in AMOUNTS:
            request, limit = (amount(name, dig(container.content, "resources", part, name)) for part in _PARTS)
            if request is not None and limit is not None and request > limit:
                place = release.place(template.owner, f"{container.path}.resources.requests.{name}")
                yield place, f"{_called(container)} requests {request} of {name}, and its limit is {limit}"


@check(
    "DY304",
    "every amount of CPU and memory can be read",
    why="The API server refuses the object, and the deploy fails.",
    fix="Write CPU like 500m or 0.5, and memory like 512Mi or 1Gi.",
)
def unreadable_amount(subject: Subject) -> Iterator[Hit]:
    """Find limits and requests that are no quantities of Kubernetes."""
    for release, template, container in subject.containers():
        for part in _PARTS:
            given = mapping(dig(container.content, "resources", part))
            for name in AMOUNTS:
                if given.get(name) is not None and amount(name, given[name]) is None:
                    place = release.place(template.owner, f"{container.path}.resources.{part}.{name}")
                    yield place, f"{shown(given[name])} is no amount of {name}"


@check(
    "DY305",
    "what all pods request together fits the cluster",
    why="A pod that no node has room for stays Pending: the release, or its next update, never becomes Ready.",
    fix="Lower the requests or the replicas, or give the cluster more in dockyard.yaml.",
)
def requests_fit(subject: Subject) -> Iterator[Hit]:
    """Add up the requests of all releases, the extra pods of a rolling update of each of them included.

    Releases that do not need each other are updated at the same time, so all of them may have their extra pods at once.
    """
    cluster = subject.project.cluster
    there = {"cpu": cluster.cpus * AMOUNTS["cpu"].SCALE, "memory": cluster.memory * MEGABYTE}
    for name, kind in AMOUNTS.items():
        sums = {release.name: kind(requested(release.manifests, name)) for release in subject.releases}
        total, capacity = kind(sum(sums.values())), kind(there[name])
        if total > capacity:
            listed = ", ".join(f"{release} {wanted}" for release, wanted in sums.items() if wanted)
            asked = f"the pods request {total} of {name}, those of a rolling update included ({listed})"
            yield Place("dockyard.yaml", "cluster"), f"{asked}, and the cluster has {capacity}"


@check(
    "DY306",
    f"there are {MIN_REPLICAS} to {MAX_REPLICAS} replicas",
    why="That is what one local node is made for (data-model.md, section 3).",
    fix=f"Set replicas to {MIN_REPLICAS}, {MIN_REPLICAS + 1} or {MAX_REPLICAS}.",
)
def replicas_in_range(subject: Subject) -> Iterator[Hit]:
    """Find numbers of replicas that the specification does not allow."""
    for release, name, content in subject.objects(*SCALED):
        replicas = number(dig(content, "spec", "replicas"), MIN_REPLICAS)
        if not MIN_REPLICAS <= replicas <= MAX_REPLICAS:
            yield release.place(name, "spec.replicas"), f"{name.kind} {name.name!r} has {replicas} replicas"


@check(
    "DY307",
    "every container that serves has a readiness probe",
    why="Without one a pod takes requests as soon as its process is there, and an update replaces good pods by ones "
    "that cannot answer yet (data-model.md, section 3; SC-005).",
    fix="Add a readinessProbe that asks what the program needs to serve.",
)
def no_readiness(subject: Subject) -> Iterator[Hit]:
    """Find containers without readiness probe."""
    yield from _without_probe(subject, "readinessProbe")


@check(
    "DY308",
    "every container that serves has a liveness probe",
    severity=Severity.WARNING,
    why="Without one a program that hangs is never restarted (data-model.md, section 3).",
    fix="Add a livenessProbe that asks the program alone, not what it depends on.",
)
def no_liveness(subject: Subject) -> Iterator[Hit]:
    """Find containers without liveness probe."""
    yield from _without_probe(subject, "livenessProbe")


@check(
    "DY309",
    "a rolling update may add a pod or take one away",
    why="With maxSurge 0 and maxUnavailable 0 no pod could ever be replaced: the API server refuses the object.",
    fix="Set maxSurge to 1.",
)
def update_cannot_move(subject: Subject) -> Iterator[Hit]:
    """Find strategies that allow neither."""
    for release, name, content in subject.objects(*ROLLING):
        key = ROLLING[name.kind]
        if _stands_still(name.kind, dig(content, "spec", key)):
            yield release.place(name, f"spec.{key}.rollingUpdate"), "maxSurge and maxUnavailable are both 0"


@check(
    "DY310",
    "a Deployment is updated one pod at a time, and none is missing meanwhile",
    severity=Severity.WARNING,
    why="The specification asks for RollingUpdate with maxSurge 1 and maxUnavailable 0 (data-model.md, section 3), so "
    "that no request is lost (SC-005).",
    fix="Set strategy.type to RollingUpdate, maxSurge to 1 and maxUnavailable to 0.",
)
def other_strategy(subject: Subject) -> Iterator[Hit]:
    """Find other strategies; shares such as 25% count as what they are for the number of replicas."""
    for release, name, content in subject.objects("Deployment"):
        place = release.place(name, "spec.strategy")
        strategy = mapping(dig(content, "spec", "strategy"))
        if _kind_of(strategy) != "RollingUpdate":
            yield place, f"the strategy is {_kind_of(strategy)}"
        elif not _stands_still(name.kind, strategy):
            surge, missing = _bounds(strategy, number(dig(content, "spec", "replicas"), 1))
            if (surge, missing) != (1, 0):
                yield place, f"an update adds up to {surge} pods, and lets up to {missing} be missing"


@check(
    "DY311",
    "a liveness probe leaves room to start",
    severity=Severity.WARNING,
    why="A container that is killed before it can be ready starts again and again, and is never Ready.",
    fix="Add a startupProbe, or raise the livenessProbe's initialDelaySeconds or failureThreshold.",
)
def no_room_to_start(subject: Subject) -> Iterator[Hit]:
    """Find liveness probes that end a slow start before the readiness probe of the same container could pass."""
    for release, template, container in subject.containers():
        probes = (container.content.get(kind) for kind in ("livenessProbe", "readinessProbe"))
        liveness, readiness = (mapping(as_asked(probe)) for probe in probes)
        if not liveness or not readiness or container.content.get("startupProbe"):
            continue
        killed, ready = _moment(liveness, "failureThreshold", 3), _moment(readiness, "successThreshold", 1)
        if killed <= ready:
            told = f"is killed {killed} s after its start where it does not answer by then"
            place = release.place(template.owner, f"{container.path}.livenessProbe")
            yield place, f"{_called(container)} {told}, and can be ready after {ready} s at the earliest"


_PARTS = ("requests", "limits")


def _called(container: Container) -> str:
    return f"container {container.content.get('name')!r}"


def _stated(holder: Mapping[str, Any], name: str) -> object:
    """Return what counts as the request of a container or a pod: the limit if there is none."""
    request, limit = (dig(holder, "resources", part, name) for part in _PARTS)
    return limit if request is None else request


def requested(manifests: Manifests, name: str) -> int:
    """Return what all pods of a release request, in the resource's smallest unit.

    Args:
        manifests: The release, rendered.
        name: `cpu` or `memory`.
    """
    return sum(
        pod_request(template, name) * pods_at_once(template, manifests.objects[template.owner])
        for template in pod_templates(manifests)
    )


def pod_request(template: PodTemplate, name: str) -> int:
    """Return what the scheduler counts for one pod, in the resource's smallest unit.

    A request of the pod itself counts instead of those of its containers, and its limit if nothing requests anything.

    Args:
        template: What the pod is made from.
        name: `cpu` or `memory`.
    """
    overhead = amount(name, dig(template.spec, "overhead", name)) or 0
    request, limit = (amount(name, dig(template.spec, "resources", part, name)) for part in _PARTS)
    if request is not None:
        return overhead + request
    together = peak((one, amount(name, _stated(one.content, name)) or 0) for one in template.containers())
    return overhead + (together or limit or 0)


def pods_at_once(template: PodTemplate, owner: Mapping[str, Any]) -> int:
    """Return how many pods of a template there may be on the one node at the same time, in a rolling update too.

    Args:
        template: What the pods are made from.
        owner: The object that makes them, as rendered.
    """
    spec = mapping(owner.get("spec"))
    match template.owner.kind:
        case "Deployment":
            replicas, strategy = number(spec.get("replicas"), 1), mapping(spec.get("strategy"))
            return replicas + (_bounds(strategy, replicas)[0] if _kind_of(strategy) == "RollingUpdate" else 0)
        case "DaemonSet":
            return 1 + _share(dig(spec, "updateStrategy", "rollingUpdate", "maxSurge") or 0, 1, up=True)
        case "StatefulSet" | "ReplicaSet":
            return number(spec.get("replicas"), 1)
        case _:
            job = spec if template.owner.kind == "Job" else mapping(dig(spec, "jobTemplate", "spec"))
            parallel = number(job.get("parallelism"), 1)
            return min(parallel, number(job.get("completions"), parallel))


def _kind_of(strategy: Mapping[str, Any]) -> str:
    return str(strategy.get("type") or "RollingUpdate")


def _bounds(strategy: Mapping[str, Any], replicas: int) -> tuple[int, int]:
    """Return how many pods a rolling update adds, and how many it lets be missing."""
    rolling = mapping(strategy.get("rollingUpdate"))
    surge, missing = (rolling.get(key) for key in ("maxSurge", "maxUnavailable"))
    return (
        _share(DEFAULT_SHARE if surge is None else surge, replicas, up=True),
        _share(DEFAULT_SHARE if missing is None else missing, replicas, up=False),
    )


def _share(given: object, replicas: int, *, up: bool) -> int:
    """Return a number of pods that is given as one, or as a share of the replicas; 0 where it is neither."""
    if isinstance(given, str) and (share := SHARE.fullmatch(given)):
        product = int(share[1]) * replicas
        return -(-product // 100) if up else product // 100
    return number(given, 0)


def _stands_still(kind: str, strategy: object) -> bool:
    """Tell whether a rolling update allows neither an extra pod nor a missing one; a DaemonSet adds none by itself."""
    rolling = mapping(dig(strategy, "rollingUpdate"))
    surge = rolling.get("maxSurge", 0 if kind == "DaemonSet" else DEFAULT_SHARE)
    return str(surge) in ZERO and str(rolling.get("maxUnavailable")) in ZERO


def _moment(probe: Mapping[str, Any], threshold: str, default: int) -> int:
    """Return the seconds after a container's start at which a probe was asked so often in a row."""
    times = number(probe.get(threshold), default)
    return number(probe.get("initialDelaySeconds"), 0) + (times - 1) * number(probe.get("periodSeconds"), 10)


def _without_probe(subject: Subject, probe: str) -> Iterator[Hit]:
    for release, template in subject.pods():
        if template.owner.kind not in WORKLOADS:
            continue
        running = [container for container in template.containers() if not container.init]
        # A port says that it serves. If none has one, the first container that is no sidecar is what the pod is for.
        main = [container for container in running if not container.sidecar]
        for container in [one for one in running if mappings(one.content.get("ports"))] or main[:1]:
            if not mapping(container.content.get(probe)):
                yield release.place(template.owner, container.path), f"{_called(container)} has no {probe}"
