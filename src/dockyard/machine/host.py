"""What kind of machine this is."""

from __future__ import annotations

import os
import platform
import shutil
from dataclasses import dataclass
from pathlib import Path

ARCHITECTURES = {"x86_64": "amd64", "amd64": "amd64", "aarch64": "arm64", "arm64": "arm64"}
"""The kernel's names to those that Go programs are released under."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Host:
    """What kind of machine this is.

    Attributes:
        system: `linux`, `darwin`, or what the platform calls itself.
        architecture: `amd64`, `arm64`, or the kernel's own name.
        debian: Whether it is Debian or a child of it (Ubuntu), with its package tools.
        root: Whether this process may install and start things.
        systemd: Whether systemd is what started everything.
    """

    system: str
    architecture: str
    debian: bool
    root: bool
    systemd: bool

    @property
    def platform(self) -> str:
        """System and architecture, as releases are named: `linux-amd64`."""
        return f"{self.system}-{self.architecture}"

    @property
    def installs(self) -> bool:
        """Whether packages can be installed: by root, on Debian or a child of it."""
        return self.debian and self.root


def observe() -> Host:
    """Return what kind of machine this is."""
    machine = platform.machine().lower()
    return Host(
        system=platform.system().lower(),
        architecture=ARCHITECTURES.get(machine, machine),
        debian=_is_debian() and shutil.which("apt-get") is not None,
        root=os.geteuid() == 0,
        systemd=Path("/run/systemd/system").is_dir(),
    )


def _is_debian() -> bool:
    """Ask /etc/os-release, as its manual says: the ID, else the IDs that it is like."""
    try:
        release = platform.freedesktop_os_release()
    except OSError:
        return False
    return "debian" in (release["ID"], *release.get("ID_LIKE", "").split())
