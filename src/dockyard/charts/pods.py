"""The pods that a release would make, whatever kind of object makes them.

Source: Kubernetes API reference, "PodTemplateSpec": where each kind keeps its template.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from dockyard.charts.documents import mapping

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

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
    """One container of a template.

    Attributes:
        path: The keys that lead to it in its object, dotted.
        content: The container, as rendered.
        init: Whether it runs to its end before the others start.
    """

    path: str
    content: Mapping[str, Any]
    init: bool


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
        """Yield the containers, those that run first before the others."""
        for kind in CONTAINERS:
            listed = self.spec.get(kind)
            for index, content in enumerate(listed if isinstance(listed, list) else ()):
                yield Container(f"{self.spec_path}.{kind}[{index}]", mapping(content), init=kind == CONTAINERS[0])


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
