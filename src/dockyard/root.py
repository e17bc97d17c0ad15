"""Where a project is: the folder of its dockyard.yaml. Reading that file takes longer to import than finding it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from dockyard.model.errors import ConfigError

if TYPE_CHECKING:
    from pathlib import Path

FILE = "dockyard.yaml"


def find_root(start: Path) -> Path:
    """Return the folder of the nearest dockyard.yaml, in a folder or above it.

    Raises:
        ConfigError: There is none.
    """
    for folder in (start, *start.parents):
        if (folder / FILE).is_file():
            return folder
    raise ConfigError(f"There is no {FILE} in {start} or above it", fix="Run the command in the project's folder")
