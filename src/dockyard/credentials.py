"""Values of secrets: read from the environment and .env, and a first .env for a new machine.

The grammar of .env is python-dotenv's, without interpolation: `$` is a plain character. The environment wins.
"""

from __future__ import annotations

import os
import secrets
from typing import TYPE_CHECKING

from dotenv import dotenv_values

from dockyard.model.errors import ConfigError, RefusedError

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from pathlib import Path

    from dockyard.model.project import Project

FILE = ".env"
EXAMPLE = ".env.example"
GENERATED = "generate"
"""What .env.example says behind a name whose value may be any strong random text."""


def read(root: Path, environment: Mapping[str, str], names: Iterable[str]) -> dict[str, str]:
    """Return the values that are set, of those names: not empty, and not the example's word for one to be made.

    Raises:
        ConfigError: .env is no file that can be read.
    """
    path = root / FILE
    if path.exists() and not path.is_file():
        raise ConfigError(f"{path.name} is not a file", fix=f"Remove it, then copy {EXAMPLE} to {FILE}")
    try:
        from_file = dotenv_values(path, interpolate=False, encoding="utf-8") if path.exists() else {}
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigError(f"{path.name} cannot be read", why=type(error).__name__) from None
    values = {name: environment.get(name) or from_file.get(name) for name in names}
    return {name: value for name, value in values.items() if value and value != GENERATED}


def require(project: Project, names: Iterable[str], values: Mapping[str, str]) -> None:
    """Refuse to start where a required secret has no value.

    Raises:
        RefusedError: Names every secret that is missing, and who needs it.
    """
    missing = [
        f"{secret} (for {release})"
        for release in names
        for secret, spec in project.release(release).secrets.items()
        if spec.required and not values.get(secret)
    ]
    if missing:
        raise RefusedError(
            f"Secrets without a value: {', '.join(missing)}",
            why="Nothing was started",
            fix=f"Set them in {FILE} or in the environment; {EXAMPLE} says what they are",
        )


def is_there(root: Path) -> bool:
    """Tell whether .env is there, or nothing asks for one."""
    return (root / FILE).is_file() or not (root / EXAMPLE).is_file()


def make_first(root: Path) -> bool:
    """Write a first .env (mode 0600) from .env.example, with strong random values where it asks for them.

    Returns:
        Whether it was written; one that is there is never touched.
    """
    path, example = root / FILE, root / EXAMPLE
    if os.path.lexists(path) or not example.is_file():
        return False
    text = "".join(_filled(line) for line in example.read_text(encoding="utf-8").splitlines(keepends=True))
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "w", encoding="utf-8") as file:
        file.write(text)
    return True


def quoted(name: str, value: str) -> str:
    """Return a line of .env that is read back as exactly this value: single quotes keep everything but two escapes."""
    escaped = value.replace("\\", "\\\\").replace("'", "\\'")
    return f"{name}='{escaped}'\n"


def _filled(line: str) -> str:
    name, equals, value = line.partition("=")
    if equals and value.strip() == GENERATED and not line.startswith("#"):
        return quoted(name, secrets.token_urlsafe(32))
    return line
