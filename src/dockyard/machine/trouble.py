"""Trouble that installing and fetching share, told from what programs say."""

from __future__ import annotations

import re
import shutil
from typing import TYPE_CHECKING

from dockyard.model.errors import MachineError

if TYPE_CHECKING:
    from pathlib import Path

FULL = re.compile(r"No space left on device|enough free space", re.IGNORECASE)
"""What apt-get, dpkg and pip say of a full disk."""


def disk_full(what: str, folder: Path) -> MachineError:
    """Return the error for a disk that is full.

    Args:
        what: What could not be done, one sentence without its full stop.
        folder: A folder on that disk.
    """
    free = shutil.disk_usage(folder).free
    return MachineError(
        what,
        why=f"The disk is full: {free / 1e6:.0f} MB are free in {folder}",
        fix="Free some space, then run the same command again",
    )


def last_words(said: str, count: int = 1) -> str:
    """Return the last lines of what a program said, as one line."""
    lines = [line.strip() for line in said.splitlines() if line.strip()]
    return "; ".join(lines[-count:]) or "it said nothing"
