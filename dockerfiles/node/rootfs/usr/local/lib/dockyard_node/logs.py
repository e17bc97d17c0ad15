"""The components' logs: one file each, of a size that has a bound."""

from __future__ import annotations

import os
import shutil
from collections import deque
from pathlib import Path

FOLDER = Path("/var/log/dockyard")

LIMIT = 10_000_000
"""Bytes at which a log is moved aside: a component keeps at most about twice that."""

TAIL = 20
"""Lines of a log that a failure shows."""


def path_of(name: str, folder: Path = FOLDER) -> Path:
    """Return where a component's log is."""
    return folder / f"{name}.log"


def open_log(name: str, folder: Path = FOLDER) -> int:
    """Return a descriptor that appends to a component's log; a child gets it only where it is handed over."""
    return os.open(path_of(name, folder), os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC, 0o644)


def tail(name: str, folder: Path = FOLDER, *, lines: int = TAIL) -> list[str]:
    """Return the last lines of a component's log; none where there is no log."""
    try:
        with path_of(name, folder).open(errors="replace") as log:
            return [line.rstrip("\n") for line in deque(log, maxlen=lines)]
    except OSError:
        return []


def rotate(folder: Path = FOLDER, *, limit: int = LIMIT) -> None:
    """Move aside the content of each log that has reached its limit.

    The content is copied and the file emptied, since the component keeps it open; it appends, so it goes on at the
    beginning. What it writes between the two is lost.
    """
    for log in folder.glob("*.log"):
        if log.stat().st_size >= limit:
            shutil.copyfile(log, log.with_suffix(".log.1"))
            os.truncate(log, 0)
