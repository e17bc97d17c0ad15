"""Checks of how traffic and probes reach containers: selectors, ports, NodePorts (DY2xx)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from dockyard.charts.documents import mapping
from dockyard.charts.pods import TEMPLATES
from dockyard.charts.readback import PROBES, as_asked
from dockyard.checks.catalogue import check
from dockyard.checks.finding import Place, Severity
from dockyard.checks.reading import dig, mappings, shown
from dockyard.checks.rules import breaches
from dockyard.model.deployment import Probe
from dockyard.model.errors import RuleError
from dockyard.model.reference import parse_reference
from dockyard.model.service import FIRST_NODE_PORT, LAST_NODE_PORT

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from dockyard.charts.pods import Container, PodTemplate
    from dockyard.checks.finding import Hit
    from dockyard.checks.subject import Subject

ASKING = ("httpGet", "tcpSocket", "grpc")
"""Ways of a probe that ask a port."""

EXTERNAL = "ExternalName"
"""The type of Services that are an alias of a host name."""

OPEN_OUTSIDE = frozenset({"NodePort", "LoadBalancer"})
"""Types of Services that have NodePorts."""

ENDING = frozenset({"Job", "CronJob"})
"""Kinds whose pods run to their end and serve nobody, whatever their labels are."""

NODE_ITSELF = frozenset({"localhost", "127.0.0.1", "::1", "0.0.0.0"})  # noqa: S104 - compared, not bound
"""Hosts of a probe that are the node: the kubelet asks, not the container."""

POLICIES = "networking.k8s.io/"
"""The API group of NetworkPolicies, with its slash."""


@check(
    "DY201",
    "every Service has pods",
    why="A Service whose selector matches no pod refuses every connection, while all pods are Ready.",
    fix="Give the Service's selector and the pod template the same labels.",
)
def selects_nothing(subject: Subject) -> Iterator[Hit]:
    """Find selectors that match no pod of any release; a Service without selector has endpoints of its own.

    An ExternalName has no endpoints, whatever its selector.
    """
    for release, name, content in subject.objects("Service"):
        selector = {} if dig(content, "spec", "type") == EXTERNAL else mapping(dig(content, "spec", "selector"))
        if subject.is_whole and selector and not any(_selected(subject, content)):
            own = sorted({_labels(template.labels) for owner, template in subject.pods() if owner is release})
            there = f"; those of its release have {' or '.join(own)}" if own else ""
            yield release.place(name, "spec.selector"), f"no pod has the labels {_labels(selector)}{there}"


@check(
    "DY202",
    "every targetPort of a Service is a port of its pods",
    why="The Service sends connections to a port where nothing listens, while all pods are Ready.",
    fix="Write the container's port, or the name it has there, into targetPort.",
)
def no_target(subject: Subject) -> Iterator[Hit]:
    """Find targetPorts that no container of the selected pods has; where one names no port it cannot be known."""
    for release, name, content in subject.objects("Service"):
        templates = _serving(subject, content)
        there = [_ports(subject, one) for template in templates for one in _running(template)]
        for index, port in enumerate(mappings(dig(content, "spec", "ports"))):
            target = port.get("targetPort")
            wanted = port.get("port") if target in (None, "") else target
            if wanted is not None and there and not any(_is_among(wanted, ports) for ports in there):
                owners = " or ".join(f"{template.owner.kind} {template.owner.name!r}" for template in templates)
                listed = _listed({key: value for ports in there for key, value in ports.items()})
                have = "have" if len(templates) > 1 else "has"
                said = f"targetPort {shown(wanted)} is no port of {owners}, which {have}: {listed}"
                yield release.place(name, f"spec.ports[{index}].targetPort"), said


@check(
    "DY203",
    "every port of a container is exposed by its image",
    why="exposedPorts must match the ports of the application (data-model.md, section 1): one of the two is wrong.",
    fix="Correct containerPort in the chart, or exposedPorts in dockyard.yaml.",
)
def not_exposed(subject: Subject) -> Iterator[Hit]:
    """Find container ports that dockyard.yaml does not give the image."""
    for release, template, container in subject.containers():
        exposed = _exposed(subject, container)
        for index, port in enumerate(mappings(container.content.get("ports"))):
            number = port.get("containerPort")
            if exposed and isinstance(number, int) and number not in exposed:
                place = release.place(template.owner, f"{container.path}.ports[{index}].containerPort")
                listed = ", ".join(map(str, sorted(exposed)))
                yield place, f"port {shown(number)} is not among the exposedPorts of the image: {listed}"


@check(
    "DY204",
    "every NodePort is one that a cluster gives",
    why="The API server refuses the Service, and the deploy fails.",
    fix=f"Take a port from {FIRST_NODE_PORT} to {LAST_NODE_PORT} and type NodePort, or leave nodePort out.",
)
def node_port_out_of_range(subject: Subject) -> Iterator[Hit]:
    """Find NodePorts outside of the range, and such of Services that can have none."""
    for place, number, _, kind in _node_ports(subject):
        if kind not in OPEN_OUTSIDE:
            yield place, f"nodePort {number} stands in a Service of type {kind}, which has none"
        elif not FIRST_NODE_PORT <= number <= LAST_NODE_PORT:
            yield place, f"nodePort {number} is not in the range {FIRST_NODE_PORT} to {LAST_NODE_PORT}"


@check(
    "DY205",
    "every NodePort is used once",
    why="The API server refuses the second Service: a node has each port once.",
    fix="Give one of them another nodePort.",
)
def node_port_twice(subject: Subject) -> Iterator[Hit]:
    """Find NodePorts that two Services, of one release or of several, ask for."""
    users: dict[tuple[int, str], Place] = {}
    for place, number, protocol, _ in _node_ports(subject):
        first = users.setdefault((number, protocol), place)
        if first is not place:
            service = first.path.partition(":")[0]
            yield place, f"nodePort {number} is taken by {service} of release {first.release!r}"


@check(
    "DY206",
    "every probe asks a port that the container has",
    why="The probe never passes: the pod is never Ready, or is restarted again and again.",
    fix="Write the container's port, or the name it has there, into the probe.",
)
def probe_of_no_port(subject: Subject) -> Iterator[Hit]:
    """Find probes of ports that no container of the pod has; for a container that names no port it cannot be known."""
    for place, template, container, probe in _probes(subject):
        own = _ports(subject, container)
        for way in ASKING:
            asked = mapping(probe.get(way))
            port, elsewhere = asked.get("port"), asked.get("host")
            # A name is looked up in the container; a number is asked of the pod, whose containers share an address.
            there = own if isinstance(port, str) or not own else _ports_of_pod(subject, template)
            if port is not None and not elsewhere and not _is_among(port, there):
                where = Place(place.file, f"{place.path}.{way}.port", release=place.release)
                yield where, f"{shown(port)} is no port of the container, which has: {_listed(own)}"


@check(
    "DY207",
    "every probe can work",
    why="The API server refuses the object, or the probe never passes and the pod is never Ready.",
    fix="Ask in one way: httpGet with a path, tcpSocket, exec, or grpc; name no host.",
)
def probe_cannot_work(subject: Subject) -> Iterator[Hit]:
    """Find probes that break a rule of the model or of the API server, or that ask the node itself.

    In a pod with the node's network, the node is the container.
    """
    for place, template, container, probe in _probes(subject):
        kind = place.path.rpartition(".")[2]
        if container.init:
            yield place, "an init container has no probes, unless it is a sidecar: `restartPolicy: Always`"
        # That a type is wrong, or a key unknown, is the schema's word.
        yield from ((place, breach.message) for breach in breaches(Probe, as_asked(probe)) if breach.ours)
        if kind != PROBES[-1] and probe.get("successThreshold") not in (None, 0, 1):
            yield place, f"successThreshold of a {kind} must be 1"
        if kind == PROBES[-1] and probe.get("terminationGracePeriodSeconds") is not None:
            yield place, f"a {kind} has no terminationGracePeriodSeconds: its failure ends no container"
        for way in ASKING:
            host = mapping(probe.get(way)).get("host")
            on_node = template.spec.get("hostNetwork") is True
            if isinstance(host, str) and host.lower() in NODE_ITSELF and not on_node:
                yield place, f"the host {host!r} is the node, not the container"


@check(
    "DY208",
    "a workload selects its own pods",
    why="The API server refuses the object, and the deploy fails.",
    fix="Write the labels of selector.matchLabels into the pod template too.",
)
def selects_others(subject: Subject) -> Iterator[Hit]:
    """Find selectors of workloads that their own pod template does not match."""
    for release, template in subject.pods():
        selector = mapping(dig(release.manifests.objects[template.owner], "spec", "selector"))
        wanted = mapping(selector.get("matchLabels"))
        if TEMPLATES[template.owner.kind] and not _matches(wanted, template.labels):
            said = f"it selects {_labels(wanted)}, and its pods have {_labels(template.labels)}"
            yield release.place(template.owner, "spec.selector.matchLabels"), said
        for index, expression in enumerate(mappings(selector.get("matchExpressions"))):
            if TEMPLATES[template.owner.kind] and not _fits(expression, template.labels):
                place = release.place(template.owner, f"spec.selector.matchExpressions[{index}]")
                yield place, f"its pods have {_labels(template.labels)}, which it does not select"


@check(
    "DY209",
    "the cluster enforces every NetworkPolicy",
    severity=Severity.WARNING,
    why="The embedded cluster accepts a NetworkPolicy and does not enforce it: what it forbids works here, and is "
    "blocked on a cluster that does.",
    fix="Test it on a cluster that enforces it, Minikube with `--cni=calico` for example, or disable this check.",
)
def policy_not_enforced(subject: Subject) -> Iterator[Hit]:
    """Find NetworkPolicies that are meant for the embedded cluster."""
    for release, name, content in subject.objects("NetworkPolicy") if subject.provider == "embedded" else ():
        if str(content.get("apiVersion")).startswith(POLICIES):
            cause = f"NetworkPolicy {name.name!r} has no effect, as the embedded cluster does not enforce it"
            yield release.place(name), f"{cause}: its pods reach everything and are reached by everything"


def _labels(labels: Mapping[str, Any]) -> str:
    return ", ".join(f"{key}={value}" for key, value in sorted(labels.items())) or "no labels"


def _matches(selector: Mapping[str, Any], labels: Mapping[str, Any]) -> bool:
    return all(key in labels and labels[key] == value for key, value in selector.items())


def _fits(expression: Mapping[str, Any], labels: Mapping[str, Any]) -> bool:
    """Whether labels match one of a selector's matchExpressions; an unknown operator is the schema's finding."""
    key, values = str(expression.get("key")), expression.get("values")
    listed = values if isinstance(values, list) else []
    match expression.get("operator"):
        case "In":
            return key in labels and labels[key] in listed
        case "NotIn":
            return key not in labels or labels[key] not in listed
        case "Exists":
            return key in labels
        case "DoesNotExist":
            return key not in labels
        case _:
            return True


def _selected(subject: Subject, service: Mapping[str, Any]) -> Iterator[PodTemplate]:
    """Yield the pod templates that a Service routes to."""
    selector = mapping(dig(service, "spec", "selector"))
    is_alias = dig(service, "spec", "type") == EXTERNAL
    for _, template in subject.pods():
        if selector and not is_alias and _matches(selector, template.labels):
            yield template


def _serving(subject: Subject, service: Mapping[str, Any]) -> list[PodTemplate]:
    """Return the pod templates that a Service is for; pods that end are not, where there are others."""
    selected = list(_selected(subject, service))
    return [template for template in selected if template.owner.kind not in ENDING] or selected


def _exposed(subject: Subject, container: Container) -> frozenset[int]:
    """Return the exposedPorts of a container's image; none for images that dockyard.yaml does not have."""
    try:
        name = parse_reference(str(container.content.get("image"))).name
    except RuleError:
        return frozenset()
    return frozenset(subject.project.images[name].exposed_ports) if name in subject.project.images else frozenset()


def _ports(subject: Subject, container: Container) -> dict[str, str]:
    """Return the ports that a container is known to have: its number or name, and its name where it has one."""
    named = mappings(container.content.get("ports"))
    known = {str(port.get("containerPort")): "" for port in named}
    known |= {str(number): "" for number in _exposed(subject, container)}
    return known | {str(port["name"]): str(port.get("containerPort")) for port in named if port.get("name")}


def _running(template: PodTemplate) -> list[Container]:
    """Return the containers that run beside each other."""
    return [one for one in template.containers() if not one.init]


def _ports_of_pod(subject: Subject, template: PodTemplate) -> dict[str, str]:
    """Return the ports of the containers that run beside each other."""
    return {key: value for one in _running(template) for key, value in _ports(subject, one).items()}


def _is_among(port: object, there: Mapping[str, str]) -> bool:
    """Tell whether a port, by number or name, is one of those; a number may be, where none is known."""
    if isinstance(port, str):
        return port in there and not port.isdigit()  # digits in quotes are a name to Kubernetes, and a wrong one
    return str(port) in there or not there


def _listed(ports: Mapping[str, str]) -> str:
    return ", ".join(f"{key} ({value})" if value else key for key, value in sorted(ports.items())) or "none"


def _node_ports(subject: Subject) -> Iterator[tuple[Place, int, str, str]]:
    """Yield the place, number and protocol of each NodePort that is chosen, and its Service's type."""
    for release, name, content in subject.objects("Service"):
        kind = str(dig(content, "spec", "type") or "ClusterIP")
        for index, port in enumerate(mappings(dig(content, "spec", "ports"))):
            number, protocol = port.get("nodePort"), str(port.get("protocol") or "TCP")
            if isinstance(number, int) and number:
                yield release.place(name, f"spec.ports[{index}].nodePort"), number, protocol, kind


def _probes(subject: Subject) -> Iterator[tuple[Place, PodTemplate, Container, Mapping[str, Any]]]:
    for release, template, container in subject.containers():
        for kind in PROBES:
            probe = container.content.get(kind)
            if isinstance(probe, dict):
                yield release.place(template.owner, f"{container.path}.{kind}"), template, container, probe
