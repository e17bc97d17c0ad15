"""Who this process is, so that another one can tell whether it still lives."""

from __future__ import annotations

import getpass
import os
import socket
import sys
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, slots=True)
class Identity:
    """A process.

    Attributes:
        user: Whose it is.
        host: The host's name.
        pid: Its process id.
        started: When it started, in the kernel's ticks; empty where the system does not tell.
        space: What its process ids mean something in: the boot and the pid namespace; empty where that is not known.
        command: What it was called with.
    """

    user: str
    host: str
    pid: int
    started: str
    space: str
    command: str


def myself() -> Identity:
    """Return this process."""
    try:
        user = getpass.getuser()
    except (OSError, KeyError):  # a container may run as a number
        user = str(os.getuid())
    command = " ".join((Path(sys.argv[0]).name, *sys.argv[1:]))
    return Identity(user, socket.gethostname(), os.getpid(), _started(os.getpid()), _space(), command)


def is_alive(other: Identity) -> bool | None:
    """Tell whether a process lives; None where that cannot be told: it is another machine's."""
    if other.host != socket.gethostname() or not other.space or other.space != _space():
        return None
    try:
        os.kill(other.pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        pass
    return not other.started or _started(other.pid) == other.started


def _started(pid: int) -> str:
    """Return the 22nd field of /proc/PID/stat (proc(5)); the second, a name in brackets, may hold blanks."""
    with suppress(OSError, IndexError):
        text = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8", errors="replace")
        state, *rest = text.rpartition(")")[2].split()
        return "" if state == "Z" else rest[18]
    return ""


def _space() -> str:
    with suppress(OSError):
        boot = Path("/proc/sys/kernel/random/boot_id").read_text(encoding="ascii").strip()
        return f"{boot} {Path('/proc/self/ns/pid').readlink()}"
    return ""
