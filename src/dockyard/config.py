"""dockyard.yaml to a validated Project; every mistake in one go, each with file, line, column and path.

The rules are the model's. Here only the file is read, and an error of the model is given the place in the file that
its path leads to. YAML 1.1 as PyYAML's safe loader reads it: no tags beyond the standard ones, so nothing is executed.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, get_origin

import yaml
from pydantic import ValidationError

from dockyard.model.errors import ConfigError, UnknownNameError, nearest
from dockyard.model.project import Project
from dockyard.root import FILE

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

    from pydantic_core import ErrorDetails

PROFILES = "profiles"
"""The key whose overlays `--profile` chooses from; no part of the model, since a Project is what comes out."""

LARGEST = 1_000_000
"""Bytes; a description of a deployment has some thousand, and what is far larger is another file."""

MOST_VALUES = 100_000
"""Values that a file may stand for once its aliases are followed: ten lines of them can stand for billions."""

SHOWN = 100
"""Mistakes that an error lists; nobody corrects more in one go."""

UNREADABLE = (yaml.YAMLError, ValueError, LookupError, ArithmeticError, AttributeError, RecursionError)
"""What PyYAML raises: `!!timestamp x` is an AttributeError, `!!bool x` a KeyError, 1:2:...:9 an OverflowError."""


def load(root: Path, profile: str | None = None) -> Project:
    """Read and validate dockyard.yaml.

    Args:
        root: Its folder.
        profile: The name of the overlay in `profiles` that is laid over the rest; mappings are merged key by key, and
            everything else is replaced.

    Raises:
        ConfigError: It cannot be read, is no YAML, or breaks rules: the message lists each with its place.
        UnknownNameError: It has no profile of that name.
    """
    path = root / FILE
    text = _read(path)
    try:
        node = yaml.compose(text, Loader=yaml.SafeLoader)
        mistakes = _repeated(path.name, node)
        node = with_profile(path.name, node, profile)
        content = yaml.constructor.SafeConstructor().construct_document(node) if node else None
    except UNREADABLE as error:
        raise ConfigError(f"{path.name} is not valid YAML", why=_cause(path.name, error)) from error
    try:
        project = Project.model_validate(content)
    except ValidationError as error:
        problems = error.errors()
        mistakes += [_describe(path.name, node, problem) for problem in problems[:SHOWN]]
        raise _mistaken(path.name, mistakes, len(mistakes) + len(problems[SHOWN:])) from None
    if mistakes:
        raise _mistaken(path.name, mistakes, len(mistakes))
    return project


def with_profile(name: str, root: yaml.Node | None, profile: str | None) -> yaml.Node | None:
    """Return a document without its profiles, and with one of them laid over it; places in the file are kept.

    Raises:
        ConfigError: `profiles` is no mapping of mappings.
        UnknownNameError: There is no profile of that name.
    """
    if not isinstance(root, yaml.MappingNode):
        return root
    pairs = [(key, value) for key, value in root.value if key.value != PROFILES]
    bare = yaml.MappingNode(root.tag, pairs, root.start_mark, root.end_mark)
    overlays = _overlays(name, root)
    if profile is None:
        return bare
    if profile not in overlays:
        raise UnknownNameError("profile", profile, overlays)
    return _merged(bare, overlays[profile])


def _overlays(name: str, root: yaml.MappingNode) -> dict[str, yaml.MappingNode]:
    there = next((value for key, value in root.value if key.value == PROFILES), None)
    if there is None:
        return {}
    if not isinstance(there, yaml.MappingNode):
        raise ConfigError(f"{_place(name, there.start_mark)}: {PROFILES}: it maps names to overlays")
    for key, value in there.value:
        if not isinstance(value, yaml.MappingNode):
            raise ConfigError(f"{_place(name, key.start_mark)}: {PROFILES}.{key.value}: an overlay is a mapping")
    return {key.value: value for key, value in there.value}


def _merged(below: yaml.MappingNode, above: yaml.MappingNode) -> yaml.MappingNode:
    over = _pairs(above)
    pairs = []
    for key, value in _pairs(below).values():
        at, found = over.pop(key.value, (key, value))
        both = isinstance(value, yaml.MappingNode) and isinstance(found, yaml.MappingNode) and found is not value
        pairs.append((key, _merged(value, found)) if both else (at, found))
    return yaml.MappingNode(below.tag, [*pairs, *over.values()], below.start_mark, below.end_mark)


def _pairs(node: yaml.MappingNode) -> dict[str, tuple[Any, Any]]:
    """Return the pairs of a mapping by their keys, with those that `<<` takes in; its own win."""
    flat = yaml.MappingNode(node.tag, list(node.value), node.start_mark, node.end_mark)
    yaml.constructor.SafeConstructor().flatten_mapping(flat)
    return {key.value: (key, value) for key, value in flat.value}


def _cause(name: str, error: Exception) -> str:
    if isinstance(error, yaml.MarkedYAMLError) and error.problem_mark is not None:
        return f"{_place(name, error.problem_mark)}: {error.problem}"
    if isinstance(error, RecursionError):
        return "It is nested too deeply"
    return str(error) if isinstance(error, yaml.YAMLError) else f"A value in it cannot be read ({error})"


def _mistaken(name: str, mistakes: Sequence[str], count: int) -> ConfigError:
    listed = "".join(f"\n  {mistake}" for mistake in mistakes[:SHOWN])
    more = f"\n  and {count - SHOWN:,} more" if count > SHOWN else ""
    return ConfigError(f"{name} has {count:,} mistake{'s' if count > 1 else ''}:{listed}{more}")


def _repeated(name: str, root: yaml.Node | None) -> list[str]:
    """Return each key that stands twice in a mapping, with its place: YAML forbids it, and PyYAML takes the last.

    Raises:
        ConfigError: A key is no text, or the file's aliases stand for too many values.
    """
    mistakes: dict[str, None] = {}
    waiting, count = [root] if root else [], 0
    while waiting:
        node = waiting.pop()
        count += 1
        if count > MOST_VALUES:
            raise ConfigError(
                f"{name} stands for more than {MOST_VALUES:,} values", why="Its aliases repeat each other"
            )
        if isinstance(node, yaml.MappingNode):
            mistakes |= dict.fromkeys(_twice(name, node))
        waiting += _children(node)
    return list(mistakes)


def _twice(name: str, node: yaml.MappingNode) -> Iterator[str]:
    first: dict[tuple[str, str], yaml.Mark] = {}
    for key, _ in node.value:
        if not isinstance(key, yaml.ScalarNode):
            raise ConfigError(f"{_place(name, key.start_mark)}: a key is text, not a list or a mapping")
        there = first.setdefault((key.tag, key.value), key.start_mark)
        if there is not key.start_mark:
            yield f"{_place(name, key.start_mark)}: {key.value}: stands in line {there.line + 1} already"


def _children(node: yaml.Node) -> list[yaml.Node]:
    if isinstance(node, yaml.MappingNode):
        return [part for pair in node.value for part in pair]
    return list(node.value) if isinstance(node, yaml.SequenceNode) else []


def _read(path: Path) -> str:
    try:
        if path.stat().st_size > LARGEST:
            raise ConfigError(
                f"{path.name} is larger than {LARGEST:,} bytes", why="It is no description of a deployment"
            )
        return path.read_text(encoding="utf-8")
    except OSError as error:
        raise ConfigError(f"{path.name} cannot be read", why=error.strerror or "") from error
    except UnicodeDecodeError as error:
        raise ConfigError(
            f"{path.name} is not UTF-8", why=f"Byte {error.start} is {error.object[error.start]:#x}"
        ) from error


def _describe(name: str, node: yaml.Node | None, problem: ErrorDetails) -> str:
    path = tuple(problem["loc"])
    mark = _locate(node, path)
    where = _place(name, mark) if mark else name
    dotted = ".".join(map(str, path)) or "the file"
    return f"{where}: {dotted}: {_sentence(problem, _siblings(path))}"


def _place(name: str, mark: yaml.Mark) -> str:
    return f"{name}:{mark.line + 1}:{mark.column + 1}"


def _sentence(problem: ErrorDetails, known: Sequence[str]) -> str:
    if problem["type"] == "extra_forbidden":
        near = nearest(str(problem["loc"][-1]), known)
        return "unknown key" + (f"; did you mean {near!r}?" if near else f"; known are {', '.join(known)}")
    return problem["msg"].removeprefix("Value error, ")


def _locate(node: yaml.Node | None, path: Sequence[str | int]) -> yaml.Mark | None:
    """Return where the deepest part of a path stands that the file has."""
    mark = node.start_mark if node else None
    for part in path:
        found = _child(node, part)
        if found is None:
            break
        mark, node = found
    return mark


def _child(node: yaml.Node | None, part: str | int) -> tuple[yaml.Mark, yaml.Node] | None:
    if isinstance(node, yaml.MappingNode):
        return next(((key.start_mark, value) for key, value in node.value if key.value == str(part)), None)
    if isinstance(node, yaml.SequenceNode) and isinstance(part, int) and part < len(node.value):
        child = node.value[part]
        return child.start_mark, child
    return None


def _siblings(path: Sequence[str | int]) -> tuple[str, ...]:
    """Return the keys that the model knows where an unknown one stands."""
    owner: object = Project
    parts = iter(path[:-1])
    for part in parts:
        annotation = _annotation(owner, part)
        if get_origin(annotation) is Mapping:
            next(parts, None)  # a name that the file chose: it may be spelt like one of our keys
        owner = _model_in(annotation)
    known = getattr(owner, "model_fields", {})
    return tuple(info.alias or name for name, info in known.items())


def _annotation(owner: object, key: str | int) -> object:
    fields = getattr(owner, "model_fields", {})
    return next((info.annotation for name, info in fields.items() if key in {name, info.alias}), None)


def _model_in(annotation: object) -> object:
    """Return the model that an annotation holds, through mappings and optional values."""
    if hasattr(annotation, "model_fields"):
        return annotation
    inner = (_model_in(argument) for argument in getattr(annotation, "__args__", ()))
    return next((model for model in inner if model is not None), None)
