"""The pods that a release would make, whatever kind of object makes them.

Source: Kubernetes API reference, "PodTemplateSpec": where each kind keeps its template; Kubernetes documentation,
"Sidecar Containers".
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from dockyard.charts.documents import mapping

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from dockyard.charts.manifests import Manifests, ObjectName

TEMPLATES = {
    "Deployment": ("spec", "template"),
    "StatefulSet": ("spec", "template"),
    "DaemonSet": ("spec", "template"),
    "ReplicaSet": ("spec", "template"),
    "Job": ("spec", "template"),
    "CronJob": ("spec", "jobTemplate", "spec", "template"),
    "Pod": (),
}
"""The keys that lead to the template, by kind."""

CONTAINERS = ("initContainers", "containers")


@dataclass(frozen=True, slots=True)
class Container:
    """One container of a pod.

    Attributes:
        path: The keys that lead to it in its object, dotted.
        content: The container, as rendered.
        init: Whether it must end before the next container starts.
        sidecar: Whether it is an init container that runs beside all containers that start after it.
    """

    path: str
    content: Mapping[str, Any]
    init: bool
    sidecar: bool


def containers(spec: Mapping[str, Any], path: str = "spec") -> Iterator[Container]:
    """Yield the containers of a pod's specification in the order in which they start.

    Args:
        spec: The specification.
        path: The keys that lead to it in its object, dotted.
    """
    for kind in CONTAINERS:
        listed = spec.get(kind)
        for index, entry in enumerate(listed if isinstance(listed, list) else ()):
            content, starts_first = mapping(entry), kind == CONTAINERS[0]
            sidecar = starts_first and content.get("restartPolicy") == "Always"
            yield Container(f"{path}.{kind}[{index}]", content, init=starts_first and not sidecar, sidecar=sidecar)


def peak(amounts: Iterable[tuple[Container, int]]) -> int:
    """Return the most that the containers of a pod request at any time.

    That is what the scheduler counts: init containers run one after another, each beside the sidecars before it.

    Args:
        amounts: What each container requests, in the order in which they start.
    """
    running = most = 0
    for container, amount in amounts:
        if container.init:
            most = max(most, running + amount)
        else:
            running += amount
    return max(most, running)


@dataclass(frozen=True, slots=True)
class PodTemplate:
    """What pods are made from.

    Attributes:
        owner: The object that makes them.
        path: The keys that lead to the template in that object, dotted; empty for a bare Pod.
        labels: The pods' labels.
        annotations: The pods' annotations.
        spec: The pods' specification, as rendered.
        replicas: How many there should be.
    """

    owner: ObjectName
    path: str
    labels: Mapping[str, str]
    annotations: Mapping[str, str]
    spec: Mapping[str, Any]
    replicas: int

    @property
    def spec_path(self) -> str:
        """The keys that lead to the pods' specification."""
        return f"{self.path}.spec" if self.path else "spec"

    def containers(self) -> Iterator[Container]:
        """Yield the containers in the order in which they start."""
        return containers(self.spec, self.spec_path)


def pod_templates(manifests: Manifests) -> Iterator[PodTemplate]:
    """Yield the template of every object that makes pods; what is no mapping where one is needed counts as empty."""
    for name, entry in manifests.objects.items():
        if name.kind not in TEMPLATES:
            continue
        keys = TEMPLATES[name.kind]
        template: Mapping[str, Any] = entry
        for key in keys:
            template = mapping(template.get(key))
        metadata = mapping(template.get("metadata"))
        replicas = mapping(entry.get("spec")).get("replicas")
        yield PodTemplate(
            owner=name,
            path=".".join(keys),
            labels=mapping(metadata.get("labels")),
            annotations=mapping(metadata.get("annotations")),
            spec=mapping(template.get("spec")),
            replicas=replicas if isinstance(replicas, int) else 1,
        )
