"""Checks of names that lead from one object to another: ConfigMaps, Secrets, their keys, ServiceAccounts."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from dockyard.checks.catalogue import check

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from dockyard.checks.finding import Hit
    from dockyard.checks.subject import Subject

SOURCES = {"configMapKeyRef": "ConfigMap", "secretKeyRef": "Secret"}
WHOLE_SOURCES = {"configMapRef": "ConfigMap", "secretRef": "Secret"}


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
        for index, variable in enumerate(container.content.get("env") or ()):
            for source, kind in SOURCES.items():
                wanted = (variable.get("valueFrom") or {}).get(source) or {}
                keys = there.get((kind, wanted.get("name", "")))
                if keys is not None and wanted.get("key") not in keys and not wanted.get("optional"):
                    path = f"{container.path}.env[{index}].valueFrom.{source}"
                    listed = ", ".join(sorted(keys)) or "none"
                    asked = f"{variable['name']} takes the key {wanted.get('key')!r} of {kind} {wanted['name']!r}"
                    yield release.place(template.owner, path), f"{asked}, which has: {listed}"


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
            if (kind, wanted.get("name", "")) not in there and not wanted.get("optional"):
                asked = (
                    f"container {container.content.get('name')!r} takes variables from {kind} {wanted.get('name')!r}"
                )
                yield release.place(template.owner, f"{container.path}.{path}"), f"{asked}, which no release makes"


def _references(container: Mapping[str, Any]) -> Iterator[tuple[str, str, Mapping[str, Any]]]:
    """Yield the path, kind and reference of each object that a container takes variables from."""
    for index, entry in enumerate(container.get("envFrom") or ()):
        for source, kind in WHOLE_SOURCES.items():
            if entry.get(source):
                yield f"envFrom[{index}].{source}", kind, entry[source]
    for index, variable in enumerate(container.get("env") or ()):
        for source, kind in SOURCES.items():
            if wanted := (variable.get("valueFrom") or {}).get(source):
                yield f"env[{index}].valueFrom.{source}", kind, wanted


def _data(subject: Subject) -> dict[tuple[str, str], set[str]]:
    """Return the keys of every ConfigMap and Secret that a release makes, by kind and name."""
    return {
        (name.kind, name.name): {
            key for part in ("data", "stringData", "binaryData") for key in content.get(part) or ()
        }
        for _, name, content in subject.objects("ConfigMap", "Secret")
    }
