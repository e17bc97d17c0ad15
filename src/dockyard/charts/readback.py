"""A chart read back: the model's entities, rebuilt from what was rendered.

So the specification's rules hold for what Helm will really send, whatever a chart looks like inside. Nothing here knows
a chart's layout: only Kubernetes objects are read. What Kubernetes has and the model does not (affinity, say) is left
out; what Kubernetes fills in where nothing is said is filled in the same way.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Generic, TypeVar

from pydantic import ValidationError

from dockyard.charts.documents import mapping
from dockyard.charts.pods import pod_templates
from dockyard.model.configuration import ConfigMapSpec, SecretSpec, encode
from dockyard.model.deployment import DeploymentSpec
from dockyard.model.entity import Entity
from dockyard.model.service import ServiceSpec

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from dockyard.charts.manifests import Manifests, ObjectName
    from dockyard.charts.pods import Container, PodTemplate

E = TypeVar("E", bound=Entity)

DEFAULT_SHARE = "25%"
"""What Kubernetes takes for maxSurge and maxUnavailable where nothing is said ("Deployment", rolling update)."""

OF_CONTAINER = (
    "image",
    "ports",
    "env",
    "envFrom",
    "resources",
    "livenessProbe",
    "readinessProbe",
    "startupProbe",
)
"""Keys of a container that a DeploymentSpec has too, under the same names."""


@dataclass(frozen=True, slots=True)
class Breach:
    """A rule that a rendered object breaks.

    Attributes:
        name: The object.
        path: The keys that lead to the value, dotted.
        sentence: What is wrong.
    """

    name: ObjectName
    path: str
    sentence: str


@dataclass(frozen=True, slots=True)
class Read(Generic[E]):
    """One entity of a rendered object.

    Attributes:
        name: The object.
        entity: The entity, or None where it breaks rules.
        breaches: The rules that it breaks.
    """

    name: ObjectName
    entity: E | None
    breaches: tuple[Breach, ...]


def deployments(manifests: Manifests) -> Iterator[Read[DeploymentSpec]]:
    """Yield one DeploymentSpec for each container of each Deployment; init containers are no service."""
    for template in pod_templates(manifests):
        if template.owner.kind != "Deployment":
            continue
        owner = manifests.objects[template.owner]
        for container in template.containers():
            if not container.init:
                yield _read(DeploymentSpec, template.owner, _deployment(owner, template, container), container.path)


def services(manifests: Manifests) -> Iterator[Read[ServiceSpec]]:
    """Yield the ServiceSpec of each Service that routes to pods by labels."""
    for name, content in manifests.objects.items():
        spec = mapping(content.get("spec"))
        if name.kind == "Service" and spec.get("selector"):
            facts = {key: spec[key] for key in ("type", "selector", "ports") if spec.get(key) is not None}
            yield _read(ServiceSpec, name, {"name": name.name, **facts}, "spec")


def config_maps(manifests: Manifests) -> Iterator[Read[ConfigMapSpec]]:
    """Yield the ConfigMapSpec of each ConfigMap."""
    for name, content in manifests.objects.items():
        if name.kind == "ConfigMap":
            yield _read(ConfigMapSpec, name, {"name": name.name, "data": mapping(content.get("data"))}, "")


def secrets(manifests: Manifests) -> Iterator[Read[SecretSpec]]:
    """Yield the SecretSpec of each Secret; `stringData` is plain text that the API server encodes."""
    for name, content in manifests.objects.items():
        if name.kind == "Secret":
            plain = {key: encode(str(value)) for key, value in mapping(content.get("stringData")).items()}
            data = {**mapping(content.get("data")), **plain}
            facts = {"name": name.name, "data": data, "type": content.get("type") or "Opaque"}
            yield _read(SecretSpec, name, facts, "")


def _deployment(owner: Mapping[str, Any], template: PodTemplate, container: Container) -> dict[str, Any]:
    content = container.content
    facts = {key: content[key] for key in OF_CONTAINER if content.get(key) is not None}
    return {
        "name": template.owner.name,
        "replicas": template.replicas,
        "labels": template.labels,
        "strategy": _strategy(mapping(owner.get("spec")), template.replicas),
        **facts,
    }


def _strategy(spec: Mapping[str, Any], replicas: int) -> dict[str, Any]:
    strategy = mapping(spec.get("strategy"))
    kind = strategy.get("type", "RollingUpdate")
    if kind != "RollingUpdate":
        return {"type": kind}
    bounds = mapping(strategy.get("rollingUpdate"))
    surge = _share(bounds.get("maxSurge", DEFAULT_SHARE), replicas, up=True)
    missing = _share(bounds.get("maxUnavailable", DEFAULT_SHARE), replicas, up=False)
    return {"type": kind, "rollingUpdate": {"maxSurge": surge, "maxUnavailable": missing}}


def _share(bound: object, replicas: int, *, up: bool) -> object:
    """Return a bound as a number of pods: a share of the replicas is rounded up for the surge, else down."""
    if not isinstance(bound, str) or not bound.endswith("%") or not bound[:-1].isdigit():
        return bound
    pods = int(bound[:-1]) * replicas / 100
    return math.ceil(pods) if up else math.floor(pods)


def _read(kind: type[E], name: ObjectName, facts: dict[str, Any], prefix: str) -> Read[E]:
    try:
        return Read(name, kind.model_validate(facts), ())
    except ValidationError as error:
        problems = error.errors()
    foreign = [problem["loc"] for problem in problems if problem["type"] == "extra_forbidden"]
    if foreign:  # Kubernetes knows more than the model: without that, the model's rules can be asked again
        return _read(kind, name, _without(facts, foreign), prefix)
    breaches = tuple(
        Breach(name, _path(kind, problem["loc"], prefix), _sentence(problem["msg"])) for problem in problems
    )
    return Read(name, None, breaches)


def _without(facts: Any, places: Sequence[tuple[int | str, ...]]) -> Any:  # noqa: ANN401 - rendered YAML
    """Return facts without the values at some places."""
    here = {place[0] for place in places if len(place) == 1}
    below = {place[0] for place in places if len(place) > 1}

    def part(key: int | str, value: object) -> object:
        return _without(value, [place[1:] for place in places if place[0] == key]) if key in below else value

    if isinstance(facts, dict):
        return {key: part(key, value) for key, value in facts.items() if key not in here}
    return [part(index, value) for index, value in enumerate(facts) if index not in here]


def _path(kind: type[Entity], place: tuple[int | str, ...], prefix: str) -> str:
    if kind is DeploymentSpec and place and place[0] in {"replicas", "strategy"}:
        prefix = "spec"
    dotted = "".join(f"[{part}]" if isinstance(part, int) else f".{part}" for part in place)
    return f"{prefix}{dotted}".lstrip(".")


def _sentence(message: str) -> str:
    return message.removeprefix("Value error, ")
