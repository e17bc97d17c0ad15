"""Rendered manifests as objects: what Helm sends, compared and looked up."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from dockyard.charts.documents import mapping, read_documents
from dockyard.model.errors import BuildError

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

WORKLOADS = frozenset({"Deployment", "StatefulSet", "DaemonSet"})


@dataclass(frozen=True, slots=True, order=True)
class ObjectName:
    """What names an object in a release.

    Attributes:
        kind: Its kind.
        name: Its name.
    """

    kind: str
    name: str

    def __str__(self) -> str:
        """Return it as kubectl takes it."""
        return f"{self.kind.lower()}/{self.name}"


class Manifests:
    """The objects of one rendered chart.

    Attributes:
        objects: Each object by its kind and name, as YAML gave it.
        sources: The template that each came from, as Helm names it: `chart/templates/service.yaml`.
        repeated: Those that the text has more than once; the last one counts.
        hooks: What hooks make around an install or an upgrade, by kind and name: no part of the release, and there.
    """

    def __init__(
        self,
        objects: Mapping[ObjectName, Mapping[str, Any]],
        sources: Mapping[ObjectName, str] | None = None,
        repeated: tuple[ObjectName, ...] = (),
        hooks: Mapping[ObjectName, Mapping[str, Any]] | None = None,
    ) -> None:
        self.objects, self.sources, self.repeated, self.hooks = objects, sources or {}, repeated, hooks or {}

    @classmethod
    def parse(cls, text: str) -> Manifests:
        """Read YAML documents; hooks of `helm template` are kept apart, since `helm get manifest` has none.

        Raises:
            BuildError: The text is no YAML, or a document is no object of Kubernetes.
        """
        objects: dict[ObjectName, Mapping[str, Any]] = {}
        hooks: dict[ObjectName, Mapping[str, Any]] = {}
        sources, repeated = {}, []
        for part in DOCUMENT.split(text):
            source = _source(part)
            for entry in _entries(part, source):
                if (events := _hook_events(entry)) is not None:
                    if events & AROUND and _has_name(entry):
                        hooks[_name(entry, source)] = entry
                    continue
                name = _name(entry, source)
                if name in objects and _where(entry) == _where(objects[name]):
                    repeated.append(name)
                objects[name], sources[name] = entry, source
        return cls(objects, sources, tuple(repeated), hooks)

    def of_kind(self, *kinds: str) -> Iterator[Mapping[str, Any]]:
        """Yield the objects of those kinds."""
        return (entry for name, entry in self.objects.items() if name.kind in kinds)

    def changed(self, other: Manifests) -> tuple[ObjectName, ...]:
        """Return what stands in only one of the two, or differs."""
        names = self.objects.keys() | other.objects.keys()
        return tuple(sorted(name for name in names if self.objects.get(name) != other.objects.get(name)))


DOCUMENT = re.compile(r"^---\s*$", re.MULTILINE)
SOURCE = re.compile(r"^# Source: (.+)$", re.MULTILINE)
"""The comment that Helm puts above each document."""

HOOK = "helm.sh/hook"
AROUND = frozenset({"pre-install", "post-install", "pre-upgrade", "post-upgrade"})
"""The annotation of a hook, and the events at which what it makes is there with the release (Helm documentation, "Chart
Hooks"); what a test or a removal makes is not."""

LIST = "List"
"""A kind that only holds other objects; Helm sends those."""


def _source(part: str) -> str:
    found = SOURCE.search(part)
    return found[1].strip() if found else ""


def _entries(part: str, source: str) -> Iterator[Mapping[str, Any]]:
    """Yield the objects of one part of the text, those of a List one by one."""
    subject = f"What {source} renders to" if source else "The rendered chart"
    for document in read_documents(part, subject):
        if not document:
            continue
        within = document.get("items") if isinstance(document, dict) and document.get("kind") == LIST else [document]
        for entry in within if isinstance(within, list) else [within]:
            if not isinstance(entry, dict):
                raise _no_object(source, f"it is a {type(entry).__name__}, a mapping is needed")
            yield entry


def _name(entry: Mapping[str, Any], source: str) -> ObjectName:
    kind, metadata = entry.get("kind"), entry.get("metadata")
    name = metadata.get("name") if isinstance(metadata, dict) else None
    if not isinstance(kind, str) or not kind:
        raise _no_object(source, "it has no `kind`")
    if not isinstance(name, str) or not name:
        raise _no_object(source, f"its kind is {kind} and it has no `metadata.name` that is text")
    return ObjectName(kind, name)


def _has_name(entry: Mapping[str, Any]) -> bool:
    """Tell whether an object has a name; a hook may have `generateName` instead."""
    return isinstance(entry.get("kind"), str) and isinstance(entry["metadata"].get("name"), str)


def _no_object(source: str, why: str) -> BuildError:
    return BuildError(f"A document of {source or 'the rendered chart'} is no object of Kubernetes", why=why)


def _where(entry: Mapping[str, Any]) -> tuple[str, str]:
    """Return what tells objects of one kind and name apart: the group of their API, and the namespace."""
    group, slash, _ = str(entry.get("apiVersion")).rpartition("/")
    return group + slash, str(entry["metadata"].get("namespace") or "")


def _hook_events(entry: Mapping[str, Any]) -> set[str] | None:
    """Return when Helm makes an object that is a hook; None for all others."""
    annotations = mapping(mapping(entry.get("metadata")).get("annotations"))
    return {event.strip() for event in str(annotations[HOOK]).split(",")} if HOOK in annotations else None
