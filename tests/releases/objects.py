"""Kubernetes objects as the API server gives them, cut down to what is read of them."""

from __future__ import annotations

import yaml

from dockyard.charts.manifests import Manifests, ObjectName
from dockyard.releases.causes import Object
from dockyard.releases.workload import REVISION, SERVICE_NAME

NEWEST, OLDER = "2", "1"
"""Revisions of a Deployment's templates."""


def deployment(name: str = "web", /, *, replicas: int = 1, image: str = "web:v1", **status: object) -> Object:
    """Return a Deployment that is settled but for the given fields of its status."""
    counts = dict.fromkeys(("replicas", "updatedReplicas", "readyReplicas", "availableReplicas"), replicas)
    return {
        "kind": "Deployment",
        "metadata": {"name": name, "uid": f"uid-{name}", "generation": 4, "annotations": {REVISION: NEWEST}},
        "spec": {
            "replicas": replicas,
            "selector": {"matchLabels": {"app": name, "tier": "web"}},
            "template": {"spec": {"containers": [{"name": "app", "image": image}]}},
        },
        "status": {"observedGeneration": 4, **counts, **status},
    }


def stateful_set(name: str = "web", /, *, replicas: int = 1, **status: object) -> Object:
    """Return a StatefulSet that is settled but for the given fields of its status."""
    counts = dict.fromkeys(("replicas", "updatedReplicas", "readyReplicas", "currentReplicas"), replicas)
    return {
        "kind": "StatefulSet",
        "metadata": {"name": name, "uid": f"uid-{name}", "generation": 4},
        "spec": {"replicas": replicas},
        "status": {"observedGeneration": 4, **counts, **status},
    }


def daemon_set(name: str = "web", /, *, nodes: int = 1, **status: object) -> Object:
    """Return a DaemonSet that is settled but for the given fields of its status."""
    fields = (
        *("desiredNumberScheduled", "currentNumberScheduled", "updatedNumberScheduled"),
        *("numberReady", "numberAvailable"),
    )
    return {
        "kind": "DaemonSet",
        "metadata": {"name": name, "uid": f"uid-{name}", "generation": 4},
        "spec": {},
        "status": {"observedGeneration": 4, **dict.fromkeys(fields, nodes), **status},
    }


def replica_set(revision: str = NEWEST, *, of: str = "web") -> Object:
    """Return the ReplicaSet of one revision of a Deployment's template."""
    return {
        "kind": "ReplicaSet",
        "metadata": {
            "name": f"{of}-{revision}",
            "uid": f"uid-{of}-{revision}",
            "annotations": {REVISION: revision},
            "ownerReferences": [{"uid": f"uid-{of}"}],
        },
    }


def pod(  # noqa: PLR0913 - each is one fact of a pod
    name: str = "web-a",
    *containers: Object,
    owner: str = f"uid-web-{NEWEST}",
    conditions: tuple[Object, ...] = (),
    init: tuple[Object, ...] = (),
    leaving: bool = False,
    spec: Object | None = None,
) -> Object:
    """Return a pod; without containers it never came as far as to have any."""
    metadata: Object = {"name": name, "uid": f"uid-{name}", "ownerReferences": [{"uid": owner}]}
    if leaving:
        metadata["deletionTimestamp"] = "2026-01-01T00:00:00Z"
    status: Object = {"conditions": list(conditions)}
    if containers:
        status["containerStatuses"] = list(containers)
    if init:
        status["initContainerStatuses"] = list(init)
    return {"kind": "Pod", "metadata": metadata, "spec": spec or {"containers": [{"name": "app"}]}, "status": status}


def runs(*, ready: bool = True, restarts: int = 0, ended: Object | None = None) -> Object:
    """Return a container that runs; ``ended`` is how its run before ended."""
    return _container({"running": {}}, ready=ready, restarts=restarts, ended=ended)


def waits(reason: str, message: str = "", *, restarts: int = 0, ended: Object | None = None) -> Object:
    """Return a container that does not run, and why."""
    waiting = {"reason": reason, **({"message": message} if message else {})}
    return _container({"waiting": waiting}, ready=False, restarts=restarts, ended=ended)


def ends(code: int, reason: str = "Error", *, restarts: int = 0, at: str = "2026-01-01T00:00:00Z") -> Object:
    """Return a container whose program has just ended."""
    ended = {"exitCode": code, "reason": reason, "finishedAt": at}
    return _container({"terminated": ended}, ready=False, restarts=restarts, ended=None)


def warning(  # noqa: PLR0913 - each is one fact of an event
    about: str,
    reason: str,
    message: str,
    *,
    count: int = 1,
    at: str = "2026-01-01T00:00:00Z",
    container: str = "app",
) -> Object:
    """Return a warning of the cluster about the object of that name, or about a container of that pod."""
    return {
        "kind": "Event",
        "type": "Warning",
        "metadata": {"name": f"{about}.{reason}.{at}"},
        "involvedObject": {"uid": f"uid-{about}", "fieldPath": f"spec.containers{{{container}}}"},
        "reason": reason,
        "message": message,
        "count": count,
        "lastTimestamp": at,
    }


def node(name: str = "one", *, cpu: str = "2", memory: str = "4Gi") -> Object:
    """Return a node with that much for pods."""
    allocatable = {"cpu": cpu, "memory": memory, "pods": "110"}
    return {"kind": "Node", "metadata": {"name": name}, "status": {"allocatable": allocatable}}


def asking(cpu: str = "", memory: str = "", *, on: str = "", init: tuple[Object, ...] = ()) -> Object:
    """Return the spec of a pod whose one container asks for that much; ``on`` is the node it is bound to."""
    requests = {name: text for name, text in (("cpu", cpu), ("memory", memory)) if text}
    spec: Object = {"containers": [{"name": "app", "resources": {"requests": requests}}]}
    return {**spec, **({"nodeName": on} if on else {}), **({"initContainers": list(init)} if init else {})}


def _container(state: Object, *, ready: bool, restarts: int, ended: Object | None) -> Object:
    last = {"terminated": ended} if ended else {}
    return {"name": "app", "state": state, "ready": ready, "restartCount": restarts, "lastState": last}


def unschedulable(message: str) -> Object:
    """Return the condition of a pod that no node has room for."""
    return {"type": "PodScheduled", "status": "False", "reason": "Unschedulable", "message": message}


def service(
    name: str = "web", *, selector: bool = True, node_port: int = 0, kind: str = "", address: str = ""
) -> Object:
    """Return a Service; one with a NodePort is of that type unless another is given."""
    port = {"port": 80, **({"nodePort": node_port} if node_port else {})}
    type_ = kind or ("NodePort" if node_port else "ClusterIP")
    spec: Object = {"type": type_, "ports": [port], **({"selector": {"app": name}} if selector else {})}
    status = {"status": {"loadBalancer": {"ingress": [{"ip": address}]}}} if address else {}
    return {"kind": "Service", "metadata": {"name": name}, "spec": spec, **status}


SERVES: Object = {"ready": True}
SERVES_NOT: Object = {"ready": False}
"""Conditions of an endpoint."""


def endpoint_slice(service: str = "web", /, *conditions: Object, name: str = "") -> Object:
    """Return an EndpointSlice of a Service, with an endpoint for each of the conditions."""
    endpoints = [{"addresses": [f"10.1.0.{at}"], "conditions": one} for at, one in enumerate(conditions, 1)]
    metadata = {"name": name or f"{service}-abcde", "labels": {SERVICE_NAME: service}}
    return {"kind": "EndpointSlice", "metadata": metadata, "endpoints": endpoints or None}


def manifests(*entries: Object) -> Manifests:
    """Return objects as the rendered chart that they would be."""
    return Manifests({ObjectName(entry["kind"], entry["metadata"]["name"]): entry for entry in entries})


def text(*entries: Object) -> str:
    """Return objects as the YAML that Helm keeps of them."""
    return yaml.safe_dump_all(entries)
