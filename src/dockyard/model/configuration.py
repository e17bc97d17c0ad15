"""Configuration: ConfigMaps and Secrets (data-model.md, section 5)."""

import binascii
from collections.abc import Mapping
from typing import Annotated, Any, Literal, Self

from pydantic import Field, ModelWrapValidatorHandler, SecretStr, ValidationError, model_validator

from dockyard.model.entity import Entity, FrozenMap
from dockyard.model.errors import RuleError
from dockyard.model.names import DataKey, DnsSubdomain
from dockyard.model.rule import Rule, broken

SECTION = "data-model.md, section 5"

MAX_BYTES = 1024 * 1024
"""Bytes of all values together (Kubernetes documentation, "ConfigMaps" and "Secrets"; keys do not count)."""


def _within_limit(kind: str, name: str, size: int) -> None:
    if size > MAX_BYTES:
        raise RuleError(
            f"The {kind} {name} holds {size} bytes",
            why=f"All values together have at most {MAX_BYTES} (Kubernetes documentation, {kind!r})",
        )


def decode(text: str) -> bytes:
    """Return what base64 text stands for; line breaks in it count nothing, as in Kubernetes.

    Raises:
        RuleError: It is not base64; the value is not named.
    """
    try:
        return binascii.a2b_base64(text.replace("\r", "").replace("\n", ""), strict_mode=True)
    except (binascii.Error, ValueError):
        # Without the cause: it is about the value.
        raise RuleError(
            "A value is not base64", why=f"`data` of a Secret is base64 with its padding ({SECTION})"
        ) from None


def encode(value: str | bytes) -> str:
    """Return base64 text for a value; text is UTF-8."""
    raw = value.encode() if isinstance(value, str) else value
    return binascii.b2a_base64(raw, newline=False).decode()


def _is_base64(value: SecretStr) -> SecretStr:
    decode(value.get_secret_value())
    return value


class ConfigMapSpec(Entity):
    """Configuration that is no secret.

    Attributes:
        name: Its name.
        data: Its values by key; not shown in a repr, since one may be a secret by mistake.
    """

    name: DnsSubdomain
    data: Annotated[FrozenMap[DataKey, str], Field(repr=False)] = Field(default_factory=dict, validate_default=True)

    @model_validator(mode="after")
    def _fits(self) -> Self:
        _within_limit("ConfigMap", self.name, sum(len(value.encode()) for value in self.data.values()))
        return self


class SecretSpec(Entity):
    """Configuration that is secret.

    Its values are in no repr, no dump and no error: only :meth:`reveal` gives them.

    Attributes:
        name: Its name.
        type: Opaque, and nothing else.
        data: Its values by key, base64.
    """

    name: DnsSubdomain
    type: Literal["Opaque"] = "Opaque"
    data: FrozenMap[DataKey, Annotated[SecretStr, Rule(_is_base64)]] = Field(
        default_factory=dict, validate_default=True, repr=False
    )

    @model_validator(mode="after")
    def _fits(self) -> Self:
        _within_limit("Secret", self.name, sum(map(len, self.reveal().values())))
        return self

    @model_validator(mode="wrap")
    @classmethod
    def _errors_without_values(cls, given: Any, handler: ModelWrapValidatorHandler[Self]) -> Self:  # noqa: ANN401 - as pydantic has it
        try:
            return handler(given)
        except ValidationError as error:
            found = [(line["loc"], _rule(line)) for line in error.errors()]
        # Outside of `except`, so that the error with the values in it is not kept as the context of this one.
        raise broken(cls.__name__, found)

    @classmethod
    def of(cls, name: str, values: Mapping[str, str | bytes]) -> Self:
        """Return a Secret of plain values; text is UTF-8.

        Raises:
            pydantic.ValidationError: The name or a key breaks a rule, or the values are too large.
        """
        return cls(name=name, data={key: SecretStr(encode(value)) for key, value in values.items()})

    def reveal(self) -> Mapping[str, bytes]:
        """Return the plain values."""
        return {key: decode(value.get_secret_value()) for key, value in self.data.items()}


def _rule(line: Mapping[str, Any]) -> RuleError:
    """Return the error of one line: our own, or pydantic's sentence, which names no value."""
    error = line.get("ctx", {}).get("error")
    return error if isinstance(error, RuleError) else RuleError(line["msg"])
