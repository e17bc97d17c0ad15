"""Keys of values that no template seems to read; whether that is so, a rendering without them tells.

Templates are read as text. What is said in ways that text does not show (`index .Values "a"`, a library chart) makes no
key suspect, or is found to matter by the rendering.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence

READ = re.compile(r"\.Values\b((?:\.[A-Za-z_]\w*)*)")
"""Values in a template, with the keys behind them: none where all of them are taken at once."""

SHARED = "global"
"""The key whose values every chart below gets as well (Helm documentation, "Subcharts and Global Values")."""

Key = tuple[str, ...]
"""Keys from the root."""


def suspects(
    values: Mapping[str, Any], templates: Iterable[str], *, elsewhere: Collection[str] = ()
) -> tuple[Key, ...]:
    """Return the keys that no template seems to read, each as far up as that is so.

    Args:
        values: A values file.
        templates: The texts of the chart's templates.
        elsewhere: Top-level keys that other charts read: those of its dependencies.
    """
    read = {tuple(found.split(".")[1:]) for text in templates for found in READ.findall(text)}
    own = {key: value for key, value in values.items() if key not in {SHARED, *elsewhere}}
    return tuple(_unread(own, (), read))


def _unread(values: Mapping[str, Any], above: Key, read: Collection[Key]) -> Iterator[Key]:
    for key, value in values.items():
        path = (*above, key)
        if any(path[: len(there)] == there for there in read):
            continue
        if not any(there[: len(path)] == path for there in read):
            yield path
        elif isinstance(value, dict):
            yield from _unread(value, path, read)


def without(values: Mapping[str, Any], keys: Sequence[Key]) -> dict[str, Any]:
    """Return values without some keys."""
    here = {key[0] for key in keys if len(key) == 1}
    below = {key: [path[1:] for path in keys if path[0] == key and len(path) > 1] for key in values}
    return {
        key: without(value, below[key]) if below[key] and isinstance(value, dict) else value
        for key, value in values.items()
        if key not in here
    }
