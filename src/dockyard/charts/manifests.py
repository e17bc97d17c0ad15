"""Rendered manifests as objects: what Helm sends, compared and looked up."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import yaml

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
    """

    def __init__(
        self, objects: Mapping[ObjectName, Mapping[str, Any]], sources: Mapping[ObjectName, str] | None = None
    ) -> None:
        self.objects, self.sources = objects, sources or {}

    @classmethod
    def parse(cls, text: str) -> Manifests:
        """Read YAML documents; hooks of `helm template` are left out, since `helm get manifest` has none.

        Raises:
            BuildError: The text is no YAML.
        """
        objects, sources = {}, {}
        for part in DOCUMENT.split(text):
            source = SOURCE.search(part)
            for entry in _load(part):
                if not _is_hook(entry):
                    objects[_name(entry)] = entry
                    sources[_name(entry)] = source[1] if source else ""
        return cls(objects, sources)

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

# libyaml where PyYAML has it: ten times as fast, and equally safe.
_LOADER = getattr(yaml, "CSafeLoader", yaml.SafeLoader)


def _load(text: str) -> list[Mapping[str, Any]]:
    try:
        return [entry for entry in yaml.load_all(text, Loader=_LOADER) if entry]
    except yaml.YAMLError as error:
        raise BuildError("The rendered chart is not valid YAML", why=str(error)) from error


def _name(entry: Mapping[str, Any]) -> ObjectName:
    return ObjectName(entry["kind"], entry["metadata"]["name"])


def _is_hook(entry: Mapping[str, Any]) -> bool:
    return "helm.sh/hook" in (entry["metadata"].get("annotations") or {})
