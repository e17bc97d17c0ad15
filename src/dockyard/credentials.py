"""Values of secrets: from the environment and .env, judged by what dockyard.yaml declares, and a first .env.

The environment wins. What a value must be is the model's to say (`model/secret.py`); here values are only fetched,
made and refused.
"""

from __future__ import annotations

import os
import re
import secrets
import string
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from dockyard import envfile
from dockyard.model.errors import RefusedError
from dockyard.model.secret import judge_all

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping
    from pathlib import Path

    from dockyard.model.project import Project
    from dockyard.model.secret import Fault, SecretDeclaration

FILE, EXAMPLE = envfile.FILE, ".env.example"

LENGTH = 43
"""Characters of a random value where nothing else is asked for: 256 bits in the alphabet of URL-safe base64."""

ALPHABETS = (string.ascii_letters + string.digits + "-_", string.ascii_letters + string.digits, "0123456789abcdef")
"""What random values are made of; the first whose values match the secret's pattern."""

LEAST_BITS = 128
"""Bits of a random value that is made."""

TRIES = 8
"""Values of one alphabet and length that are tried on a pattern."""

HEAD = """\
# Secrets of {name}, written by `./inv secrets.example` from dockyard.yaml: change it there.
# `./inv secrets.init` makes a .env like this file, with strong random values where any will do.
# The environment wins over .env. A value is taken as it is, `$` too; put it in single quotes where it has quotes, a #,
# or blanks at its ends.
"""


TAKEN: dict[str, str] = {}
"""Secrets that were in this process's environment: see `take`."""


@dataclass(frozen=True, slots=True)
class Found:
    """A secret as it was found.

    Attributes:
        value: Its value, which may be empty; None where there is none. In no repr.
        source: Where it stands: `environment` or `.env`; empty where there is none.
    """

    value: str | None = field(repr=False)
    source: str = ""


@dataclass(frozen=True, slots=True)
class Survey:
    """What there is of all secrets of a project.

    Attributes:
        secrets: What is asked of each, by name.
        found: What was found of each, by name.
        provided: Names whose values are made later where there are none now.
        faults: What is wrong.
        exposure: Who else may read .env, as a sentence; empty where nobody may.
    """

    secrets: Mapping[str, SecretDeclaration]
    found: Mapping[str, Found]
    provided: frozenset[str]
    faults: tuple[Fault, ...]
    exposure: str


def environment() -> dict[str, str]:
    """Return this process's environment, with the secrets that were taken out of it."""
    return {**TAKEN, **os.environ}


def take(names: Iterable[str]) -> None:
    """Take secrets out of this process's environment, so that no program that it starts gets them.

    Another task of the same command finds them in `environment`.
    """
    TAKEN.update({name: os.environ.pop(name) for name in names if name in os.environ})


def look_up(root: Path, environment: Mapping[str, str], names: Iterable[str]) -> dict[str, Found]:
    """Return what there is of secrets; a variable of the environment that is empty counts only where .env has nothing.

    Raises:
        ConfigError: .env is no file that can be read, or has lines that are none.
    """
    from_file = envfile.read(root / FILE)
    return {name: _found(name, environment, from_file) for name in names}


def _found(name: str, environment: Mapping[str, str], from_file: Mapping[str, str]) -> Found:
    there = {"environment": environment.get(name), FILE: from_file.get(name)}
    filled = next((Found(value, source) for source, value in there.items() if value), None)
    empty = next((Found(value, source) for source, value in there.items() if value is not None), Found(None))
    return filled or empty


def read(root: Path, environment: Mapping[str, str], names: Iterable[str]) -> dict[str, str]:
    """Return the values that are set, of those names; empty ones are not.

    Raises:
        ConfigError: .env is no file that can be read, or has lines that are none.
    """
    found = look_up(root, environment, names)
    return {name: one.value for name, one in found.items() if one.value}


def survey(project: Project, root: Path, environment: Mapping[str, str]) -> Survey:
    """Return what there is of all secrets of a project, and what is wrong with it.

    Raises:
        ConfigError: .env is no file that can be read, or has lines that are none.
    """
    asked = project.secrets()
    found = look_up(root, environment, asked)
    later = frozenset({project.database.secret} if project.database else ())
    faults = judge_all(asked, {name: one.value for name, one in found.items()}, provided=later)
    return Survey(asked, found, later, faults, envfile.exposure(root / FILE))


def require(
    project: Project,
    names: Iterable[str],
    values: Mapping[str, str],
    *,
    provided: Iterable[str] = (),
    strict: bool = False,
) -> None:
    """Refuse to start where releases cannot be deployed with the values that there are.

    Args:
        project: What asks for secrets.
        names: The releases.
        values: The values by name.
        provided: Secrets whose values are made later where there are none now.
        strict: Whether weak values are refused too.

    Raises:
        RefusedError: Names every secret that is missing or cannot be used, and who needs it; never a value.
    """
    wanted = frozenset(names)
    asked = {name: one for name, one in project.secrets().items() if wanted & set(one.releases)}
    faults = [fault for fault in judge_all(asked, values, provided=provided) if strict or fault.stops]
    told = [line for fault in faults if (line := _told(fault, wanted))]
    if told:
        raise RefusedError(
            f"{'A secret is' if len(told) == 1 else f'{len(told)} secrets are'} not as the releases need them:"
            + "".join(f"\n    {line}" for line in told),
            why="Nothing was started",
            fix=f"Set them in {FILE} or in the environment; {EXAMPLE} says what they are",
        )


def _told(fault: Fault, wanted: frozenset[str]) -> str:
    """Return a fault with the releases of this command; empty where it concerns none of them."""
    concerned = [release for release in fault.releases if release in wanted]
    return f"{fault.secret} {fault.message} (for {', '.join(concerned)})" if concerned else ""


def require_private(root: Path) -> None:
    """Refuse a .env that others may read: for those who ask to be strict.

    Raises:
        RefusedError: Somebody else may read it.
    """
    if exposed := envfile.exposure(root / FILE):
        what, _, fix = exposed.partition("; ")
        raise RefusedError(what, why="Its secrets are no secrets to them", fix=fix)


def example(project: Project) -> str:
    """Return the text of .env.example: every secret, what it is, and no value."""
    return _text(project, {})


def _text(project: Project, values: Mapping[str, str]) -> str:
    database = project.database.secret if project.database else ""
    parts = [HEAD.format(name=project.name)]
    for name, secret in project.secrets().items():
        lines = (" ".join(text.split()) for text in _description(secret, is_database=name == database))
        told = "".join(f"# {line}\n" for line in lines)
        parts.append(told + (envfile.line(name, values[name]) if name in values else f"{name}=\n"))
    return "\n".join(parts)


def _description(secret: SecretDeclaration, *, is_database: bool) -> Iterator[str]:
    """Yield what there is to say of a secret; dockyard.yaml may have more than one line for what is one here."""
    yield f"{secret.name}: {'; '.join(secret.descriptions)}" if secret.descriptions else secret.name
    need = "Needed by" if secret.required_by else "Not required; used by"
    yield f"{need} {', '.join(secret.required_by or secret.releases)}."
    if is_database:
        yield "Where it is empty, the development database is started beside the cluster and used."
    if secret.min_length > 1:
        yield f"At least {secret.min_length:,} characters."
    if secret.pattern:
        yield f"Matches {secret.pattern}"
    if secret.example:
        yield f"Looks like {secret.example}"
    if secret.generate:
        yield "Any random value will do: `./inv secrets.init` makes one."


def is_there(root: Path) -> bool:
    """Tell whether there is a .env."""
    return (root / FILE).is_file()


def make_first(root: Path, project: Project) -> tuple[str, ...] | None:
    """Write a first .env, readable by its owner alone, with strong random values where any will do.

    Returns:
        The names of the secrets that got a value; None where something of that name is there, which is never touched.
    """
    path = root / FILE
    if os.path.lexists(path):
        return None
    made = {name: value for name, one in project.secrets().items() if one.generate and (value := random_value(one))}
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "w", encoding="utf-8", newline="") as file:
        file.write(_text(project, made))
    return tuple(made)


def random_value(secret: SecretDeclaration) -> str:
    """Return a strong random value for a secret; empty where none matches its pattern."""
    return next((value for value in _candidates(secret) if _suits(secret, value)), "")


def _candidates(secret: SecretDeclaration) -> Iterator[str]:
    counts = [int(count) for count in re.findall(r"\{(\d{1,4})", secret.pattern)]
    for length in dict.fromkeys((max(LENGTH, secret.min_length), 64, *counts)):
        for alphabet in ALPHABETS:
            if length * (len(alphabet).bit_length() - 1) >= LEAST_BITS:
                yield from ("".join(secrets.choice(alphabet) for _ in range(length)) for _ in range(TRIES))


def _suits(secret: SecretDeclaration, value: str) -> bool:
    matches = not secret.pattern or re.fullmatch(secret.pattern, value) is not None
    return matches and len(value) >= secret.min_length
