"""What every entity of the model shares.

Modules with entities have no ``from __future__ import annotations``: pydantic reads the annotations when the class is
made, and real types are read faster than strings.
"""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Annotated, Any, TypeVar

from pydantic import AfterValidator, BaseModel, ConfigDict, SerializerFunctionWrapHandler, Strict, WrapSerializer
from pydantic.alias_generators import to_camel

from dockyard.model.names import port_name
from dockyard.model.rule import Rule, between

Value = TypeVar("Value")
Key = TypeVar("Key")


class Entity(BaseModel):
    """A frozen value with the specification's camelCase keys outside and snake_case names inside.

    Unknown keys are errors. Broken rules are raised as pydantic.ValidationError, which holds all of them with their
    places; where the rule is ours, ``ctx["error"]`` is the RuleError with its sentences.
    """

    model_config = ConfigDict(
        frozen=True,
        extra="forbid",
        alias_generator=to_camel,
        populate_by_name=True,
        serialize_by_alias=True,
        # A value may be a secret, and an error is shown and logged.
        hide_input_in_errors=True,
        # A class is made ready when it is first used: most commands use few, and one inside another is made only once.
        defer_build=True,
    )


def _plain(value: Mapping[str, object], serialize: SerializerFunctionWrapHandler) -> Any:  # noqa: ANN401 - as pydantic has it
    return serialize(dict(value))


FrozenMap = Annotated[Mapping[Key, Value], AfterValidator(MappingProxyType), WrapSerializer(_plain)]
"""A mapping that cannot be changed after validation, in the order of the document."""

_PORT = between(1, 65535, "a port", "RFC 6335, section 6")

Port = Annotated[int, Strict(), _PORT]
"""A TCP or UDP port."""


def _port_or_name(port: int | str) -> object:
    return port_name(port) if isinstance(port, str) else _PORT.check(port)


PortRef = Annotated[Annotated[int, Strict()] | str, Rule(_port_or_name)]
"""A port by its number, or by the name that a container gives it."""
