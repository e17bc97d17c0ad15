"""What would change on the cluster, as a unified diff of YAML that shows no secret.

Values of a Secret's `data` and `stringData` are never shown: only that a value is there, and that it changes. The same
holds for checksums of configuration, which would let a short secret be guessed, and for a secret's value anywhere else,
in an annotation or the argument of a container. Pure: objects in, lines out; `Screen.painted` prints them.
"""

from __future__ import annotations

import base64
import binascii
from difflib import SequenceMatcher
from typing import TYPE_CHECKING, Any, TypeVar

import yaml

from dockyard.model.redaction import MASK, Redactor
from dockyard.ui.words import clean_line

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from dockyard.ui.screen import Screen

    Objects = Mapping[Any, Mapping[str, Any]]

CONTEXT = 3
"""Lines around a change."""

CHANGED = f"{MASK} (changed)"

VALUES = ("data", "stringData")

NOISE = frozenset({"kubectl.kubernetes.io/last-applied-configuration"})
"""Annotations that hold a copy of the object."""

Value = TypeVar("Value")


def diff_lines(before: Objects | None, after: Objects | None, *, context: int = CONTEXT) -> Iterator[tuple[str, str]]:
    """Yield the lines of a diff, each with its style, object by object in the order of their names.

    Args:
        before: The objects that are there, by kind and name; None where there is no release.
        after: Those that shall be; None where it is removed.
        context: Lines around a change.
    """
    before, after = before or {}, after or {}
    redactor = _redactor(before, after)
    for key in sorted({*before, *after}, key=str):
        old, new = before.get(key), after.get(key)
        if old != new:
            yield from _object(clean_line(redactor.redact(str(key))), old, new, redactor, context)


def print_diff(screen: Screen, before: Objects | None, after: Objects | None) -> None:
    """Print what would change, or that nothing would."""
    lines = tuple(diff_lines(before, after))
    screen.painted(lines or [("", "No object changes.")])


def _redactor(*sides: Objects) -> Redactor:
    """Return what knows the values of every Secret on some sides."""
    redactor = Redactor()
    for objects in sides:
        for entry in objects.values():
            if entry.get("kind") == "Secret":
                for part in VALUES:
                    values = _mapping(entry.get(part))
                    redactor.learn({str(key): str(value) for key, value in values.items()})
                    redactor.learn({str(key): _decoded(str(value)) for key, value in values.items()})
    return redactor


def _decoded(value: str) -> str:
    try:
        return base64.b64decode(value, validate=True).decode()
    except (binascii.Error, ValueError):
        return value


def _shown(entry: Mapping[str, Any], other: Mapping[str, Any] | None, redactor: Redactor) -> Any:  # noqa: ANN401 - JSON
    """Return an object as it is shown: compared with its other side, where it is the newer one."""
    shown, compared = _without_noise(entry), _mapping(other)
    if entry.get("kind") == "Secret":
        shown |= {part: _masked(_mapping(shown[part]), compared.get(part)) for part in VALUES if part in shown}
    return redactor.data(_checksums(shown, compared))


def _masked(values: Mapping[str, Any], other: object) -> dict[str, str]:
    before = _mapping(other)
    return {key: CHANGED if key in before and before[key] != value else MASK for key, value in values.items()}


def _mapping(value: object) -> Mapping[str, Any]:
    return value if isinstance(value, dict) else {}


def _without_noise(value: Mapping[str, Any]) -> dict[str, Any]:
    metadata = _mapping(value.get("metadata"))
    annotations = {key: entry for key, entry in _mapping(metadata.get("annotations")).items() if key not in NOISE}
    if annotations == _mapping(metadata.get("annotations")):
        return dict(value)
    return {**value, "metadata": {**metadata, "annotations": annotations}}


def _checksums(value: Any, other: Any) -> Any:  # noqa: ANN401 - JSON
    """Return JSON data with `checksum/...` annotations masked, at any depth."""
    if isinstance(value, dict):
        before = _mapping(other)
        return {
            key: _checksum(entry, before.get(key))
            if str(key).startswith("checksum/")
            else _checksums(entry, before.get(key))
            for key, entry in value.items()
        }
    if isinstance(value, list):
        others = other if isinstance(other, list) else []
        return [_checksums(entry, others[at] if at < len(others) else None) for at, entry in enumerate(value)]
    return value


def _checksum(value: object, other: object) -> str:
    return MASK if other in (None, value) else CHANGED


def _object(
    name: str, old: Mapping[str, Any] | None, new: Mapping[str, Any] | None, redactor: Redactor, context: int
) -> Iterator[tuple[str, str]]:
    if old is None or new is None:
        style, sign, what = ("green", "+", "new") if old is None else ("red", "-", "removed")
        yield "bold", f"{sign} {name}: {what}"
        yield from ((style, f"{sign}   {line}") for line in _yaml(_shown(old or new or {}, None, redactor)))
        return
    yield "bold", f"~ {name}: changed"
    lines = tuple(_hunks(_yaml(_shown(old, None, redactor)), _yaml(_shown(new, old, redactor)), context))
    yield from lines or [("yellow", f"    only in what is not shown: a value {MASK} differs")]


def _hunks(old: Sequence[str], new: Sequence[str], context: int) -> Iterator[tuple[str, str]]:
    for group in SequenceMatcher(None, old, new, autojunk=False).get_grouped_opcodes(context):
        if path := _path(new, group[0][3]):
            yield "dim", f"    # {path}"
        for kind, old_from, old_to, new_from, new_to in group:
            if kind == "equal":
                yield from (("", f"    {line}") for line in old[old_from:old_to])
                continue
            yield from (("red", f"-   {line}") for line in old[old_from:old_to])
            yield from (("green", f"+   {line}") for line in new[new_from:new_to])


def _path(lines: Sequence[str], at: int) -> str:
    """Return the keys that a line of YAML stands below, by its indentation."""
    keys: list[str] = []
    depth = _depth(lines[at]) if at < len(lines) else 0
    for line in reversed(lines[:at]):
        if _depth(line) < depth:
            depth = _depth(line)
            keys.append(line.strip().removeprefix("- ").partition(":")[0])
    return ".".join(reversed(keys))


def _depth(line: str) -> int:
    """Return the indentation; an entry of a list stands below its key even where YAML does not indent it."""
    return 2 * (len(line) - len(line.lstrip())) + line.lstrip().startswith("- ")


# libyaml where PyYAML has it: some eight times as fast.
_SAFE_DUMPER: Any = getattr(yaml, "CSafeDumper", yaml.SafeDumper)


class _Dumper(_SAFE_DUMPER):  # type: ignore[misc] # one of two classes, of which the stubs know one
    """Text of several lines as such; no aliases, which would hide what they stand for."""

    def ignore_aliases(self, _data: object) -> bool:
        return True


def _text_node(dumper: yaml.SafeDumper, text: str) -> yaml.ScalarNode:
    return dumper.represent_scalar("tag:yaml.org,2002:str", text, style="|" if "\n" in text else None)


_Dumper.add_representer(str, _text_node)


def _yaml(entry: object) -> list[str]:
    """Return an object as lines, keys sorted."""
    text = yaml.dump(
        entry, Dumper=_Dumper, sort_keys=True, allow_unicode=True, width=1_000_000, default_flow_style=False
    )
    return [clean_line(line) for line in text.splitlines()]
