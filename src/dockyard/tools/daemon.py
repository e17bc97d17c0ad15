"""Starts a program that outlives this process."""

from __future__ import annotations

import os
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

SYSTEM_FOLDERS = ("/usr/local/sbin", "/usr/sbin", "/sbin")
"""Where daemons and their helpers are; a user's PATH may lack them."""


@dataclass(frozen=True, slots=True)
class Daemon:
    """A program in a session of its own.

    Attributes:
        pid: Its process id.
    """

    pid: int

    def exit_code(self) -> int | None:
        """Return what it ended with (negative for a signal), or None while it runs; then not to be asked again."""
        pid, status = os.waitpid(self.pid, os.WNOHANG)
        return os.waitstatus_to_exitcode(status) if pid else None


def start(argv: Sequence[str], *, log: Path) -> Daemon:
    """Start a program that goes on when this process and its terminal are gone.

    It gets a session of its own, the root folder as its current one, no standard input, and a log file for all that it
    says: nothing of the caller's is kept open. Not `subprocess.Popen`, which wants to see its child end.

    Args:
        argv: The program and its arguments.
        log: The file that its output is added to; made where it is not there.

    Raises:
        OSError: The log file cannot be written.
    """
    log.touch()
    path = os.pathsep.join((os.environ.get("PATH", os.defpath), *SYSTEM_FOLDERS))
    pid = os.posix_spawn(
        "/bin/sh",
        ["sh", "-c", 'cd / && exec "$@"', "sh", *argv],
        {**os.environ, "PATH": path},
        file_actions=[
            (os.POSIX_SPAWN_OPEN, 0, os.devnull, os.O_RDONLY, 0),
            (os.POSIX_SPAWN_OPEN, 1, str(log), os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o640),
            (os.POSIX_SPAWN_DUP2, 1, 2),
        ],
        setsid=True,
    )
    return Daemon(pid)
