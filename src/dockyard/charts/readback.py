"""A chart read back: the model's entities, rebuilt from what was rendered.

So the specification's rules hold for what Helm will really send, whatever a chart looks like inside. Nothing here knows
a chart's layout: only Kubernetes objects are read. What Kubernetes has and the model does not (affinity, say) is left
out; what Kubernetes fills in where nothing is said is filled in the same way, and a key without a value says nothing.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Generic, TypeVar

from pydantic import ValidationError

from dockyard.charts.documents import mapping, without_nothing
from dockyard.charts.manifests import Manifests
from dockyard.charts.pods import pod_templates
from dockyard.model.configuration import ConfigMapSpec, SecretSpec, encode
from dockyard.model.deployment import DeploymentSpec
from dockyard.model.entity import Entity
from dockyard.model.service import ServiceSpec

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from dockyard.charts.manifests import ObjectName
    from dockyard.charts.pods import Container, PodTemplate

E = TypeVar("E", bound=Entity)

DEFAULT_SHARE = "25%"
"""What Kubernetes takes for maxSurge and maxUnavailable where nothing is said ("Deployment", rolling update)."""

PROBES = ("startupProbe", "livenessProbe", "readinessProbe")

COUNTS = frozenset({"periodSeconds", "timeoutSeconds", "successThreshold", "failureThreshold"})
"""Fields of a probe for which 0 stands for the default (Kubernetes sources, SetDefaults_Probe)."""

OF_CONTAINER = ("image", "ports", "env", "envFrom", "resources", *PROBES)
"""Keys of a container that a DeploymentSpec has too, under the same names."""

OTHER_SERVICES = ("LoadBalancer", "ExternalName")
"""Types of Services that Kubernetes has and the model does not."""

OPAQUE = "Opaque"
"""The type of a Secret that says nothing of its keys; the model has no other."""


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
    """Yield one DeploymentSpec for each running container of each Deployment, sidecars among them."""
    there = Manifests(dict(_objects(manifests, "Deployment")))
    for template in pod_templates(there):
        owner = there.objects[template.owner]
        for container in template.containers():
            if not container.init:
                yield _read(DeploymentSpec, template.owner, _deployment(owner, template, container), container.path)


def services(manifests: Manifests) -> Iterator[Read[ServiceSpec]]:
    """Yield the ServiceSpec of each Service that routes to pods by labels and is of a type that the model has."""
    for name, content in _objects(manifests, "Service"):
        spec = mapping(content.get("spec"))
        if spec.get("selector") and spec.get("type") not in OTHER_SERVICES:
            facts = {key: spec[key] for key in ("type", "selector", "ports") if key in spec}
            yield _read(ServiceSpec, name, {"name": name.name, **facts}, "spec")


def config_maps(manifests: Manifests) -> Iterator[Read[ConfigMapSpec]]:
    """Yield the ConfigMapSpec of each ConfigMap."""
    for name, content in _objects(manifests, "ConfigMap"):
        yield _read(ConfigMapSpec, name, {"name": name.name, "data": mapping(content.get("data"))}, "")


def secrets(manifests: Manifests) -> Iterator[Read[SecretSpec]]:
    """Yield the SecretSpec of each Secret of the model's type; `stringData` is text that the API server encodes."""
    for name, content in _objects(manifests, "Secret"):
        if (content.get("type") or OPAQUE) == OPAQUE:
            plain = {key: encode(str(value)) for key, value in mapping(content.get("stringData")).items()}
            yield _read(SecretSpec, name, {"name": name.name, "data": {**mapping(content.get("data")), **plain}}, "")


def as_asked(probe: Any) -> Any:  # noqa: ANN401 - rendered YAML
    """Return a probe as Kubernetes runs it.

    The API server replaces a count or a number of seconds that is 0 by its default, and the kubelet puts a slash before
    a path that has none.
    """
    given = {key: value for key, value in mapping(probe).items() if key not in COUNTS or value != 0}
    asked = mapping(given.get("httpGet"))
    path = asked.get("path")
    if isinstance(path, str) and not path.startswith("/") and "://" not in path:
        given["httpGet"] = {**asked, "path": f"/{path}"}
    return given if isinstance(probe, dict) else probe


def _objects(manifests: Manifests, kind: str) -> Iterator[tuple[ObjectName, Mapping[str, Any]]]:
    """Yield the objects of a kind, without the keys that have no value."""
    for name, content in manifests.objects.items():
        if name.kind == kind:
            yield name, without_nothing(content)


def _deployment(owner: Mapping[str, Any], template: PodTemplate, container: Container) -> dict[str, Any]:
    content = container.content
    facts = {key: as_asked(content[key]) if key in PROBES else content[key] for key in OF_CONTAINER if key in content}
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
