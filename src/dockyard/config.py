"""dockyard.yaml to a validated Project; every mistake in one go, each with file, line, column and path.

The rules are the model's. Here only the file is read, and an error of the model is given the place in the file that
its path leads to. YAML 1.1 as PyYAML's safe loader reads it: no tags beyond the standard ones, so nothing is executed.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import yaml
from pydantic import ValidationError

from dockyard.model.errors import ConfigError, nearest
from dockyard.model.project import Project

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from pydantic_core import ErrorDetails

FILE = "dockyard.yaml"

LARGEST = 1_000_000
"""Bytes; a description of a deployment has some thousand, and what is far larger is another file."""


def find_root(start: Path) -> Path:
    """Return the folder of the nearest dockyard.yaml, in a folder or above it.

    Raises:
        ConfigError: There is none.
    """
    for folder in (start, *start.parents):
        if (folder / FILE).is_file():
            return folder
    raise ConfigError(f"There is no {FILE} in {start} or above it", fix="Run the command in the project's folder")


def load(root: Path) -> Project:
    """Read and validate dockyard.yaml.

    Raises:
        ConfigError: It cannot be read, is no YAML, or breaks rules: the message lists each with its place.
    """
    path = root / FILE
    text = _read(path)
    try:
        node = yaml.compose(text, Loader=yaml.SafeLoader)
        content = yaml.safe_load(text)
    except (yaml.YAMLError, ValueError, RecursionError) as error:
        raise ConfigError(f"{path.name} is not valid YAML", why=str(error)) from error
    try:
        return Project.model_validate(content)
    except ValidationError as error:
        problems = "".join(f"\n  {_describe(path.name, node, problem)}" for problem in error.errors())
        count = error.error_count()
        raise ConfigError(f"{path.name} has {count} mistake{'s' if count > 1 else ''}:{problems}") from None


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
    place = _locate(node, path)
    where = f"{name}:{place.line + 1}:{place.column + 1}" if place else name
    dotted = ".".join(map(str, path)) or "the file"
    return f"{where}: {dotted}: {_sentence(problem, _siblings(path))}"


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
    fields: object = Project
    for part in path[:-1]:
        fields = _field(fields, part)
    known = getattr(fields, "model_fields", {})
    return tuple(info.alias or name for name, info in known.items())


def _field(owner: object, part: str | int) -> object:
    """Return the model that a key of another one holds, through mappings and optional values."""
    for name, info in getattr(owner, "model_fields", {}).items():
        if part in {name, info.alias}:
            return _model_in(info.annotation)
    return owner


def _model_in(annotation: object) -> object:
    if hasattr(annotation, "model_fields"):
        return annotation
    inner = (_model_in(argument) for argument in getattr(annotation, "__args__", ()))
    return next((model for model in inner if model is not None), None)
