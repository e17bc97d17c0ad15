"""Checks of names that lead from one object to another: ConfigMaps, Secrets, their keys, ServiceAccounts (DY1xx).

What "no release makes" is looked for only where every release renders, so that one broken chart is one finding.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from dockyard.charts.documents import mapping
from dockyard.checks.catalogue import check
from dockyard.checks.finding import Severity
from dockyard.checks.hosts import Asked, default_port, hosts, service_of, upstreams
from dockyard.checks.reading import dig, mappings
from dockyard.model.errors import nearest

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from dockyard.checks.finding import Hit, Place
    from dockyard.checks.subject import Subject

SOURCES = {"configMapKeyRef": "ConfigMap", "secretKeyRef": "Secret"}
WHOLE_SOURCES = {"configMapRef": "ConfigMap", "secretRef": "Secret"}

VOLUMES = {
    "configMap": ("ConfigMap", "name"),
    "secret": ("Secret", "secretName"),
    "persistentVolumeClaim": ("PersistentVolumeClaim", "claimName"),
}
"""Volumes that are made of an object: its kind, and the key that holds its name."""

OPERATORS = {
    "Certificate": ("spec", "secretName"),
    "ExternalSecret": ("spec", "target", "name"),
    "SealedSecret": ("spec", "template", "metadata", "name"),
}
"""Objects that an operator makes a Secret of (documentation of cert-manager, External Secrets and Sealed Secrets), and
the keys that lead to its name; without one it is called after the object."""

ALWAYS_THERE = "default"
"""The ServiceAccount that every namespace has."""

ROOT_CA = (("ConfigMap", "kube-root-ca.crt"), {"ca.crt"})
"""The ConfigMap that every namespace has, and its key."""

CLUSTERS_OWN = frozenset({"kubernetes"})
"""Services that every cluster has."""

KEYS = ("data", "stringData", "binaryData")


@check(
    "DY101",
    "a variable's key is in its ConfigMap or Secret",
    why="The pod stays in CreateContainerConfigError for ever: the container is never started.",
    fix="Add the key to the ConfigMap or Secret, or correct the name in the variable's valueFrom.",
)
def missing_key(subject: Subject) -> Iterator[Hit]:
    """Find variables whose key nothing provides; an object that no release makes is DY102's."""
    there = _data(subject)
    for release, template, container in subject.containers():
        for index, variable in enumerate(mappings(container.content.get("env"))):
            for source, kind in SOURCES.items():
                wanted = mapping(dig(variable, "valueFrom", source))
                name, key = str(wanted.get("name")), str(wanted.get("key"))
                keys = there.get((kind, name))
                if wanted and keys is not None and key not in keys and not wanted.get("optional"):
                    path = f"{container.path}.env[{index}].valueFrom.{source}"
                    asked = f"{variable.get('name')} takes the key {key!r} of {kind} {name!r}"
                    yield release.place(template.owner, path), f"{asked}, which has: {_listed(keys)}"


@check(
    "DY102",
    "every ConfigMap and Secret that a pod takes variables from is made by a release",
    why="The pod stays in CreateContainerConfigError for ever: the container is never started.",
    fix="Let the chart make it, correct the name, or mark the reference optional.",
)
def missing_source(subject: Subject) -> Iterator[Hit]:
    """Find variables from objects that no release makes."""
    there = _data(subject)
    for release, template, container in subject.containers():
        for path, kind, wanted in _references(container.content):
            name = str(wanted.get("name"))
            if subject.is_whole and (kind, name) not in there and not wanted.get("optional"):
                asked = f"container {container.content.get('name')!r} takes variables from {kind} {name!r}"
                place = release.place(template.owner, f"{container.path}.{path}")
                yield place, f"{asked}, which no release makes{_near(kind, name, there)}"


@check(
    "DY103",
    "every ServiceAccount that a pod runs as is made by a release",
    why="The API server refuses the pods: none is ever made.",
    fix="Let the chart make it, correct the name, or leave serviceAccountName out.",
)
def missing_account(subject: Subject) -> Iterator[Hit]:
    """Find pods that run as a ServiceAccount that no release makes; every namespace has `default`."""
    there = {name.name for name, _ in subject.made("ServiceAccount")} | {ALWAYS_THERE}
    for release, template in subject.pods():
        for key in ("serviceAccountName", "serviceAccount"):
            name = template.spec.get(key)
            if subject.is_whole and isinstance(name, str) and name and name not in there:
                place = release.place(template.owner, f"{template.spec_path}.{key}")
                yield place, f"the pods run as ServiceAccount {name!r}, which no release makes"
                break


@check(
    "DY104",
    "what a volume is made of is made by a release",
    why="The pod stays in ContainerCreating for ever (in Pending without its PersistentVolumeClaim).",
    fix="Let the chart make it, correct the name, or mark the volume optional.",
)
def missing_volume_source(subject: Subject) -> Iterator[Hit]:
    """Find volumes of ConfigMaps, Secrets and PersistentVolumeClaims that no release makes."""
    there = _data(subject)
    for place, kind, name, source in _volumes(subject):
        if subject.is_whole and (kind, name) not in there and not source.get("optional"):
            yield place, f"the volume is made of {kind} {name!r}, which no release makes{_near(kind, name, there)}"


@check(
    "DY105",
    "every volume that a container mounts is a volume of its pod",
    why="The API server refuses the object, and the deploy fails.",
    fix="Add the volume to the pod, or correct the name in volumeMounts.",
)
def missing_volume(subject: Subject) -> Iterator[Hit]:
    """Find mounts of volumes that the pod does not have."""
    for release, template, container in subject.containers():
        owner = release.manifests.objects[template.owner]
        claims = [mapping(claim.get("metadata")) for claim in mappings(dig(owner, "spec", "volumeClaimTemplates"))]
        names = {str(volume.get("name")) for volume in (*mappings(template.spec.get("volumes")), *claims)}
        for index, mount in enumerate(mappings(container.content.get("volumeMounts"))):
            if (name := str(mount.get("name"))) not in names:
                place = release.place(template.owner, f"{container.path}.volumeMounts[{index}]")
                yield place, f"it mounts the volume {name!r}, and the pod has: {_listed(names)}"


@check(
    "DY106",
    "every Secret that images are pulled with is made by a release",
    severity=Severity.WARNING,
    why="The node pulls without it, and a private registry refuses.",
    fix="Let the chart make it, or take it out of imagePullSecrets: images that Dockyard loads are never pulled.",
)
def missing_pull_secret(subject: Subject) -> Iterator[Hit]:
    """Find imagePullSecrets that no release makes."""
    there = _data(subject)
    for release, template in subject.pods():
        for index, entry in enumerate(mappings(template.spec.get("imagePullSecrets"))):
            if subject.is_whole and ("Secret", name := str(entry.get("name"))) not in there:
                place = release.place(template.owner, f"{template.spec_path}.imagePullSecrets[{index}]")
                yield place, f"no release makes the Secret {name!r}"


@check(
    "DY107",
    "every host in a URL of the cluster is a Service",
    why="The name is not found: each request fails, mostly long after the pod is Ready.",
    fix="Correct the host, or deploy what makes that Service; hosts outside of the cluster have a dot in them.",
)
def missing_service(subject: Subject) -> Iterator[Hit]:
    """Find URLs in ConfigMaps, variables and arguments whose host no release provides."""
    there = _services(subject)
    for place, asked, name in _asked(subject):
        if subject.is_whole and name not in there and name not in CLUSTERS_OWN:
            near = nearest(name, there)
            hint = f"; did you mean {near!r}?" if near else f"; there is: {_listed(there)}"
            yield place, f"a URL has the host {asked.host!r}, and no release makes that Service{hint}"


@check(
    "DY108",
    "every port in a URL of the cluster is one of its Service",
    why="The Service does not answer on that port: each request fails, mostly long after the pod is Ready.",
    fix="Write a port of the Service into the URL; without one it is 80 for http and 443 for https.",
)
def missing_service_port(subject: Subject) -> Iterator[Hit]:
    """Find URLs that ask a Service for a port that it does not have."""
    there = _services(subject)
    for place, asked, name in _asked(subject):
        spec = mapping(mapping(there.get(name)).get("spec"))
        ports = {str(entry.get("port")) for entry in mappings(spec.get("ports"))}
        port = asked.port or default_port(asked.scheme)
        # Without an address of its own, a Service's name leads to the pods themselves, whatever its ports.
        if port and ports and port not in ports and spec.get("clusterIP") != "None":
            yield place, f"a URL asks for port {port} of Service {name!r}, which has: {_listed(ports)}"


@check(
    "DY109",
    "every key that a volume takes is in its ConfigMap or Secret",
    why="The pod stays in ContainerCreating for ever.",
    fix="Add the key to the ConfigMap or Secret, or correct it in the volume's items.",
)
def missing_volume_key(subject: Subject) -> Iterator[Hit]:
    """Find items of volumes whose key nothing provides; an object that no release makes is DY104's."""
    there = _data(subject)
    for place, kind, name, source in _volumes(subject):
        keys = there.get((kind, name))
        for item in mappings(source.get("items")):
            if keys is not None and (key := str(item.get("key"))) not in keys and not source.get("optional"):
                yield place, f"the volume takes the key {key!r} of {kind} {name!r}, which has: {_listed(keys)}"


def _listed(names: set[str] | Mapping[str, object]) -> str:
    return ", ".join(sorted(names)) or "none"


def _near(kind: str, name: str, there: Mapping[tuple[str, str], object]) -> str:
    near = nearest(name, [known for its, known in there if its == kind])
    return f"; did you mean {near!r}?" if near else ""


def _references(container: Mapping[str, Any]) -> Iterator[tuple[str, str, Mapping[str, Any]]]:
    """Yield the path, kind and reference of each object that a container takes variables from."""
    for index, entry in enumerate(mappings(container.get("envFrom"))):
        for source, kind in WHOLE_SOURCES.items():
            if wanted := mapping(entry.get(source)):
                yield f"envFrom[{index}].{source}", kind, wanted
    for index, variable in enumerate(mappings(container.get("env"))):
        for source, kind in SOURCES.items():
            if wanted := mapping(dig(variable, "valueFrom", source)):
                yield f"env[{index}].valueFrom.{source}", kind, wanted


def _data(subject: Subject) -> dict[tuple[str, str], set[str] | None]:
    """Return the keys of every object with data that is there, by kind and name; None where they cannot be known."""
    kinds = {kind for kind, _ in VOLUMES.values()}
    keys = {
        (name.kind, name.name): {key for part in KEYS for key in mapping(content.get(part))}
        for name, content in subject.made(*kinds)
    }
    by_operators = {
        ("Secret", str(dig(content, *OPERATORS[name.kind]) or name.name)): None
        for name, content in subject.made(*OPERATORS)
    }
    return dict([ROOT_CA]) | keys | by_operators  # an operator may add keys to what a chart makes


def _volumes(subject: Subject) -> Iterator[tuple[Place, str, str, Mapping[str, Any]]]:
    """Yield the place, kind and name of each object that volumes are made of, and what the volume says of it."""
    for release, template in subject.pods():
        for index, volume in enumerate(mappings(template.spec.get("volumes"))):
            path = f"{template.spec_path}.volumes[{index}]"
            for key, source in volume.items():
                if key in VOLUMES and mapping(source):
                    kind, named = VOLUMES[key]
                    yield release.place(template.owner, f"{path}.{key}"), kind, str(source.get(named)), source
            for at, part in enumerate(mappings(dig(volume, "projected", "sources"))):
                for key in ("configMap", "secret"):
                    if source := mapping(part.get(key)):
                        place = release.place(template.owner, f"{path}.projected.sources[{at}].{key}")
                        yield place, VOLUMES[key][0], str(source.get("name")), source


def _services(subject: Subject) -> dict[str, Mapping[str, Any]]:
    """Return every Service that a release makes, by name."""
    return {name.name: content for name, content in subject.made("Service")}


def _asked(subject: Subject) -> Iterator[tuple[Place, Asked, str]]:
    """Yield the place of each URL whose host is in the cluster, what it asks for, and the Service that means."""
    namespace, there = subject.project.cluster.namespace, list(_texts(subject))
    known = {name for _, text in there for name in upstreams(text)}
    for place, text in there:
        for asked in dict.fromkeys(hosts(text)):
            if asked.host not in known and (name := service_of(asked.host, namespace)):
                yield place, asked, name


def _texts(subject: Subject) -> Iterator[tuple[Place, str]]:
    """Yield the texts that configure programs and are no secrets."""
    for release, name, content in subject.objects("ConfigMap"):
        for key, value in mapping(content.get("data")).items():
            yield release.place(name, f"data.{key}"), str(value)
    for release, template, container in subject.containers():
        for index, variable in enumerate(mappings(container.content.get("env"))):
            place = release.place(template.owner, f"{container.path}.env[{index}].value")
            yield place, str(variable.get("value", ""))
        for key in ("command", "args"):
            words = container.content.get(key)
            for index, word in enumerate(words if isinstance(words, list) else ()):
                yield release.place(template.owner, f"{container.path}.{key}[{index}]"), str(word)
