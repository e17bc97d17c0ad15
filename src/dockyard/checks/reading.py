"""Reads rendered objects that may be anything: a chart can put text where Kubernetes wants a mapping.

That a field has the wrong type is the finding of the schema's check (DY701); every other check reads past it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from dockyard.charts.documents import mapping
from dockyard.model.errors import RuleError
from dockyard.model.quantity import CpuQuantity, MemoryQuantity
from dockyard.model.reference import parse_reference

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from dockyard.charts.pods import Container
    from dockyard.model.quantity import Quantity
    from dockyard.model.reference import Reference

AMOUNTS: Mapping[str, type[Quantity]] = {"cpu": CpuQuantity, "memory": MemoryQuantity}
"""The resources that a scheduler counts on every node."""


BITS = 32
"""Of a number in a field of Kubernetes, its sign included."""

LONGEST_SHOWN = 60
"""Characters of a text in a message."""


def mappings(value: object) -> Sequence[Mapping[str, Any]]:
    """Return a list's items as mappings, at their places; nothing for anything else."""
    return [mapping(item) for item in value] if isinstance(value, list) else ()


def texts(value: object) -> Sequence[str]:
    """Return the texts of a list; nothing for anything else."""
    return [item for item in value if isinstance(item, str)] if isinstance(value, list) else ()


def dig(value: object, *keys: str) -> Any:  # noqa: ANN401 - whatever stands there
    """Return what stands below keys, or None where one of them is not there."""
    for key in keys:
        value = mapping(value).get(key)
    return value


def number(value: object, default: int) -> int:
    """Return a whole number as Kubernetes keeps it, in 32 bits; a default for anything else."""
    if isinstance(value, bool) or not isinstance(value, int) or value.bit_length() >= BITS:
        return default
    return value


def shown(value: object) -> str:
    """Return a value that is no secret as a message shows it; long ones are cut, and large ones named."""
    if isinstance(value, dict | list):
        return "a mapping" if isinstance(value, dict) else "a list"
    if isinstance(value, int) and value.bit_length() > 64:  # noqa: PLR2004 - Python refuses to write very large numbers
        return "a number of more than 64 bits"
    return repr(value[:LONGEST_SHOWN] if isinstance(value, str) else value)


def amount(name: str, given: object) -> Quantity | None:
    """Return an amount of a resource of AMOUNTS, or None where it is none that Kubernetes would read."""
    if isinstance(given, bool) or not isinstance(given, str | int | float):
        return None
    try:
        return AMOUNTS[name].parse(given)
    except RuleError:
        return None


def image_of(container: Container) -> Reference | None:
    """Return the image that a container names, or None where that is no image reference."""
    given = container.content.get("image")
    try:
        return parse_reference(given) if isinstance(given, str) else None
    except RuleError:
        return None
