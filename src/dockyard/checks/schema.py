"""Checks of what is rendered against the schemas of the cluster's version of Kubernetes (DY7xx)."""

from __future__ import annotations

import re
from contextlib import suppress
from typing import TYPE_CHECKING, Any

from dockyard.charts.documents import without_nothing
from dockyard.checks import kubernetes
from dockyard.checks.catalogue import check
from dockyard.model.errors import nearest

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Mapping

    from jsonschema_rs import ValidationError

    from dockyard.charts.manifests import ObjectName
    from dockyard.checks.finding import Hit
    from dockyard.checks.kubernetes import Kind, Version
    from dockyard.checks.subject import ReleaseSubject, Subject

TYPES = {
    "string": "text",
    "integer": "a whole number",
    "number": "a number",
    "boolean": "true or false",
    "object": "a mapping",
    "array": "a list",
}
"""What the types of JSON are called."""

FORMATS = {"byte": "base64", "date-time": "a date and time like 2026-01-31T12:00:00Z"}
"""What forms of text are called."""

COMMENT = re.compile(r"\{\{-?\s*/\*.*?\*/\s*-?\}\}", re.DOTALL)
ASKED = re.compile(r"\bAPIVersions\b(?:\.Has\s+[\"`]([^\"`]*)[\"`])?")
"""A question of a template whether the cluster serves something, and what, where its text shows that."""


@check(
    "DY701",
    "every object is valid for the cluster's version of Kubernetes",
    why="The API server refuses the object and the deploy fails, or it passes over a field that it does not know.",
    fix="Correct the field: its name, its type, or where it stands. `kubectl explain` shows what there is.",
)
def invalid(subject: Subject) -> Iterator[Hit]:
    """Find fields that are unknown, missing or of a wrong type; kinds without a known schema are skipped.

    A version that is newer than all schemas may have fields that they do not know.
    """
    version = kubernetes.version(subject.kubernetes_version)
    for release, name, content in _known_objects(subject, version):
        try:
            for error in _errors(version, content):
                place = release.place(name, _dotted(error.instance_path))
                yield from ((place, sentence) for sentence in _sentences(error, version))
        except ValueError:  # text that is no Unicode, or nested too deeply
            yield release.place(name), "the object cannot be written as JSON, as the API server needs it"


@check(
    "DY702",
    "the cluster's version of Kubernetes serves every kind",
    why="The API server refuses an apiVersion that it does not serve, and the deploy fails.",
    fix="Write an apiVersion that the cluster serves; `.Capabilities.APIVersions` lets a chart choose.",
)
def not_served(subject: Subject) -> Iterator[Hit]:
    """Find kinds that are not served yet, or no longer.

    Kinds that are not built in are skipped, and those that a chart chooses by what the cluster serves: rendered without
    a cluster, it is told what Helm knows instead.
    """
    version = kubernetes.version(subject.kubernetes_version)
    asked = {release.name: _asked(release) for release in subject.releases}
    for release, name, content in subject.objects():
        kind = _kind(content)
        if not kind[0]:
            yield release.place(name, "apiVersion"), "the object has no apiVersion"
        elif version.serves(kind) is False and not _is_chosen(kind, asked[release.name]):
            told = f"{_called(subject, version)} serves no {_written(kind)}{_instead(version, kind)}"
            yield release.place(name, "apiVersion"), told


@check(
    "DY703",
    "no field and no kind needs a feature that the cluster's version of Kubernetes has off by default",
    why="The API server drops the field without a word or refuses the object: what is deployed is not what the chart "
    "says.",
    fix="Do without it, or use a newer Kubernetes (cluster.kubernetesVersion). If you started the cluster with the "
    "feature gate or API on, disable this check in dockyard.yaml.",
)
def off_by_default(subject: Subject) -> Iterator[Hit]:
    """Find fields behind a feature gate that is off, and alpha and beta versions of APIs that are not served.

    Versions that are newer than all schemas may have switched them on.
    """
    version = kubernetes.version(subject.kubernetes_version)
    called = _called(subject, version)
    asked = {release.name: _asked(release) for release in subject.releases}
    for release, name, content in () if version.is_newer else _known_objects(subject, version):
        kind = _kind(content)
        if not kubernetes.is_default(kind[0]) and not _is_chosen(kind, asked[release.name]):
            told = f"{called} does not serve {_written(kind)} by default{_instead(version, kind)}"
            yield release.place(name, "apiVersion"), told
        with suppress(ValueError):  # DY701 reports what cannot be written as JSON
            for error in _errors(version, content):
                place = release.place(name, _dotted(error.instance_path))
                for field in _gated(error, version):
                    yield place, f"{called} drops the field {field!r} by default{_since(_definition(error), field)}"


def _known_objects(
    subject: Subject, version: Version
) -> Iterator[tuple[ReleaseSubject, ObjectName, Mapping[str, Any]]]:
    """Yield the objects whose kind has a schema."""
    known = version.schemas.kinds
    return ((release, name, content) for release, name, content in subject.objects() if _kind(content) in known)


def _errors(version: Version, content: Mapping[str, Any]) -> Iterator[ValidationError]:
    """Yield what breaks an object's schema.

    Raises:
        ValueError: The object cannot be written as JSON.
    """
    validator = version.schemas.validator(_kind(content))
    yield from validator.iter_errors(without_nothing(content)) if validator else ()


def _called(subject: Subject, version: Version) -> str:
    return f"Kubernetes {subject.kubernetes_version or f'v1.{version.minor}'}"


def _kind(content: Mapping[str, Any]) -> Kind:
    given = content.get("apiVersion")
    return (given if isinstance(given, str) else "", str(content.get("kind")))


def _asked(release: ReleaseSubject) -> set[str]:
    """Return what a chart's templates ask for in APIVersions; an empty text for what their text does not show."""
    return {found for text in release.templates.values() for found in ASKED.findall(COMMENT.sub("", text))}


def _is_chosen(kind: Kind, asked: Collection[str]) -> bool:
    """Tell whether a template that asks for something may choose by it how this kind is written."""
    return any(not one or one.endswith(f"/{kind[1]}") or _group(one) == _group(kind[0]) for one in asked)


def _group(api_version: str) -> str:
    group, slash, _ = api_version.partition("/")
    return group if slash else ""


def _written(kind: Kind) -> str:
    return f"{kind[1]} of {kind[0]}"


def _instead(version: Version, kind: Kind) -> str:
    """Return what a version serves that was most likely meant, as the end of a sentence."""
    served = version.kinds()
    others = [other[0] for other in served if other[1] == kind[1]]
    if others:
        return f", it serves that of {' and '.join(others)}"
    if later := kubernetes.served_after(version, kind):
        return f"; v1.{later} is the first that does"
    near = nearest(kind[1], {other[1] for other in served if other[0] == kind[0]})
    return f"; was {near} meant?" if near else ""


def _dotted(path: list[str | int]) -> str:
    return "".join(f"[{part}]" if isinstance(part, int) else f".{part}" for part in path).lstrip(".")


def _definition(error: ValidationError) -> str:
    return str(error.schema_path[1])


def _gated(error: ValidationError, version: Version) -> list[str]:
    """Return the unknown fields that the version knows and drops by default."""
    unexpected = error.kind.as_dict().get("unexpected", ())
    return [name for name in unexpected if (_definition(error), name) in version.schemas.gated]


def _since(definition: str, field: str) -> str:
    since = kubernetes.field_since(definition, field)
    return f"; v1.{since} is the first that accepts it" if since else ""


def _sentences(error: ValidationError, version: Version) -> Iterator[str]:
    """Yield what is wrong, without the value: it may be a secret."""
    facts, definition = error.kind.as_dict(), _definition(error)
    if "unexpected" in facts:
        gated = _gated(error, version)
        for name in () if version.is_newer else (name for name in facts["unexpected"] if name not in gated):
            near = _since(definition, name) or _near(name, version.schemas.properties(definition))
            yield f"there is no field {name!r}{near}"
    elif "property" in facts:
        yield f"the field {facts['property']!r} is missing"
    else:
        yield f"it is {_type_of(error.instance)}, and must be {_wanted(facts, definition)}"


def _wanted(facts: Mapping[str, Any], definition: str) -> str:
    if "types" in facts:
        return " or ".join(TYPES.get(kind, kind) for kind in facts["types"] if kind != "null")
    if "format" in facts:
        return FORMATS.get(facts["format"], f"of the form {facts['format']}")
    # The only other rule there is: a choice between text and a number
    return "text or a whole number" if definition.endswith(".IntOrString") else "text or a number"


def _near(name: str, known: Collection[str]) -> str:
    near = nearest(name, known)
    return f"; was {near!r} meant?" if near else ""


def _type_of(value: object) -> str:
    if isinstance(value, bool):
        return "true or false"
    kinds = {str: "text", int: "a whole number", float: "a number", dict: "a mapping", list: "a list"}
    return next((what for kind, what in kinds.items() if isinstance(value, kind)), "nothing")
