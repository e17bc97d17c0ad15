"""Secrets as dockyard.yaml declares them, and what is wrong with a value. No sentence here holds a value.

Several releases may name one secret. There is one value, so what is said of the value (:data:`OF_THE_VALUE`) holds for
all of them and must not differ; whether it is required, and what it is for, may.
"""

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Annotated

from pydantic import Field, Strict

from dockyard.model.configuration import MAX_BYTES
from dockyard.model.entity import Entity
from dockyard.model.errors import RuleError
from dockyard.model.looks import is_placeholder, weakness
from dockyard.model.rule import Place, Rule, between

LONGEST = 131_072
"""Bytes of `NAME=value` with its final zero: no program can be started with a longer variable (Linux, execve(2),
MAX_ARG_STRLEN)."""

OF_THE_VALUE = {"min_length": "minLength", "pattern": "pattern", "example": "example", "generate": "generate"}
"""Fields that speak of the value, with their keys in dockyard.yaml."""


def _expression(pattern: str) -> str:
    try:
        re.compile(pattern)
    except (re.error, OverflowError, RecursionError) as error:
        raise RuleError(f"{pattern[:80]!r} is no regular expression", why=str(error)) from None
    return pattern


class SecretUse(Entity):
    """What a release does with a secret; see the fields' descriptions."""

    required: Annotated[bool, Strict()] = Field(True, description="Whether nothing is deployed without it.")  # noqa: FBT003 - a default
    description: str = Field("", description="What it is, for whoever has to fill it in.")
    min_length: Annotated[int, Strict(), between(1, LONGEST, "a secret's least length", "execve(2)")] = Field(
        1, description="Characters that its value has at least."
    )
    pattern: Annotated[str, Rule(_expression, {"format": "regex"})] | None = Field(
        None, description="A regular expression that its whole value matches."
    )
    example: str = Field(
        "", description="What a value looks like; shown in .env.example, and no value itself. Never a real one."
    )
    generate: Annotated[bool, Strict()] = Field(
        False,  # noqa: FBT003 - a default
        description="Whether any strong random value will do: `secrets.init` then makes one.",
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class SecretDeclaration:
    """What all releases together say of a secret.

    Attributes:
        name: Its name, that of the environment variable too.
        releases: Who uses it.
        required_by: Who cannot do without it.
        descriptions: What it is, each sentence once.
        min_length: Characters that its value has at least.
        pattern: What the whole value matches; empty where anything will do.
        example: What a value looks like; empty where nothing is said.
        generate: Whether any strong random value will do.
    """

    name: str
    releases: tuple[str, ...]
    required_by: tuple[str, ...]
    descriptions: tuple[str, ...] = ()
    min_length: int = 1
    pattern: str = ""
    example: str = ""
    generate: bool = False

    def use(self, use: SecretUse) -> SecretUse:
        """Return one release's use, saying of the value what all releases say."""
        return use.model_copy(
            update={
                "min_length": self.min_length,
                "pattern": self.pattern or None,
                "example": self.example,
                "generate": self.generate,
            }
        )


Uses = Mapping[str, Mapping[str, SecretUse]]
"""By release, what it does with each secret."""


def declared(uses: Uses) -> dict[str, SecretDeclaration]:
    """Return what releases together say of each secret, in the order in which they name them."""
    return {name: _declaration(name, uses) for name in dict.fromkeys(name for said in uses.values() for name in said)}


def _said(use: SecretUse) -> list[str]:
    """Return the fields of the value that a release says something of."""
    return [field for field in OF_THE_VALUE if field in use.model_fields_set]


def _declaration(name: str, uses: Uses) -> SecretDeclaration:
    there = {release: said[name] for release, said in uses.items() if name in said}
    agreed = {field: getattr(use, field) for use in there.values() for field in _said(use)}
    return SecretDeclaration(
        name=name,
        releases=tuple(there),
        required_by=tuple(release for release, use in there.items() if use.required),
        descriptions=tuple(
            dict.fromkeys(" ".join(use.description.split()) for use in there.values() if use.description)
        ),
        **{field: value for field, value in agreed.items() if value is not None},
    )


def contradictions(uses: Uses) -> Iterator[tuple[Place, RuleError]]:
    """Yield each place where a release says something else of a secret's value than one before it."""
    first: dict[tuple[str, str], tuple[str, object]] = {}
    for release, said in uses.items():
        for name, use in said.items():
            for field in _said(use):
                other, value = first.setdefault((name, field), (release, getattr(use, field)))
                if value != getattr(use, field):
                    yield (
                        ("releases", release, "secrets", name, OF_THE_VALUE[field]),
                        RuleError(
                            f"Release {other} says otherwise of {name}",
                            why="There is one value, and it must suit all releases that use it",
                            fix=f"Leave {OF_THE_VALUE[field]} out in one of them, or write the same in both",
                        ),
                    )


class Kind(StrEnum):
    """What is wrong with a secret's value."""

    MISSING = "missing"
    EMPTY = "empty"
    PLACEHOLDER = "placeholder"
    SHORT = "too short"
    PATTERN = "pattern"
    LARGE = "too large"
    UNUSABLE = "unusable"
    WEAK = "weak"


@dataclass(frozen=True, slots=True)
class Fault:
    """Something that is wrong with a secret's value.

    Attributes:
        secret: The name of the secret; of secrets that are too large together, their names with commas between.
        kind: What is wrong.
        message: The same as the end of "NAME ...", with nothing of the value.
        releases: Who it concerns.
    """

    secret: str
    kind: Kind
    message: str
    releases: tuple[str, ...]

    @property
    def stops(self) -> bool:
        """Whether nothing can be deployed with it; a weak value works, for whoever guesses it too."""
        return self.kind is not Kind.WEAK


def judge(secret: SecretDeclaration, value: str | None, *, provided: bool = False) -> Iterator[Fault]:
    """Yield what is wrong with a value.

    Args:
        secret: What is asked of it.
        value: The value; None where there is none.
        provided: Whether a value is made later where there is none now.
    """
    if value is None or not value.strip():
        kind = Kind.MISSING if value is None else Kind.EMPTY
        if secret.required_by and not provided:
            yield Fault(
                secret.name, kind, f"has no value{'' if value is None else ', only an empty one'}", secret.required_by
            )
        return
    wrong = _first_wrong(secret, value)
    if wrong is not None:
        yield Fault(secret.name, wrong[0], wrong[1], secret.releases)


def _first_wrong(secret: SecretDeclaration, value: str) -> tuple[Kind, str] | None:
    """Return the worst that is wrong with a value that is there; mending it may show the next."""
    if (unusable := _unusable(secret.name, value)) is not None:
        return unusable
    if is_placeholder(secret.name, value, secret.example):
        return Kind.PLACEHOLDER, "is a placeholder"
    if len(value) < secret.min_length:
        return Kind.SHORT, f"has {len(value):,} characters, and minLength asks for {secret.min_length:,}"
    if secret.pattern and re.fullmatch(secret.pattern, value) is None:
        return Kind.PATTERN, f"does not match its pattern {secret.pattern}"
    if why := weakness(value):
        return Kind.WEAK, why
    return None


def _unusable(name: str, value: str) -> tuple[Kind, str] | None:
    if "\0" in value:
        return Kind.UNUSABLE, "holds a zero character, and no environment variable can"
    try:
        size = len(f"{name}={value}\0".encode())
    except UnicodeEncodeError:
        return Kind.UNUSABLE, "is not UTF-8"
    if size > LONGEST:
        return Kind.LARGE, (
            f"makes a variable of {size:,} bytes; no program can be started with one of more than {LONGEST:,}, and a "
            f"Secret holds {MAX_BYTES:,}"
        )
    return None


def judge_all(
    secrets: Mapping[str, SecretDeclaration], values: Mapping[str, str | None], *, provided: Iterable[str] = ()
) -> tuple[Fault, ...]:
    """Return what is wrong with the values of secrets, and with the Secrets that would be made of them.

    Args:
        secrets: What is asked of them, by name.
        values: The values by name.
        provided: Names whose values are made later where there are none now.
    """
    later = frozenset(provided)
    found = [fault for name, one in secrets.items() for fault in judge(one, values.get(name), provided=name in later)]
    if not any(fault.kind in {Kind.LARGE, Kind.UNUSABLE} for fault in found):
        found += _too_much(secrets, values)
    return tuple(found)


def _too_much(secrets: Mapping[str, SecretDeclaration], values: Mapping[str, str | None]) -> Iterator[Fault]:
    """Yield each release whose secrets do not fit into one Secret (Kubernetes documentation, "Secrets")."""
    for release in dict.fromkeys(release for one in secrets.values() for release in one.releases):
        names = [name for name, one in secrets.items() if release in one.releases]
        size = sum(len((values.get(name) or "").encode()) for name in names)
        if size > MAX_BYTES:
            told = f"have {size:,} bytes together, and a Secret holds {MAX_BYTES:,}"
            yield Fault(", ".join(names), Kind.LARGE, told, (release,))
