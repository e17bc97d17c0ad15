"""Debian's packages: what there is, and installing some. Debian and its children (Ubuntu) only."""

from __future__ import annotations

import re
import shutil
from pathlib import Path
from typing import TYPE_CHECKING

from dockyard.machine import host as this_machine
from dockyard.machine.trouble import FULL, disk_full, last_words
from dockyard.model.errors import MachineError, ToolError, ToolFailedError
from dockyard.model.events import Event
from dockyard.tools.process import run

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from dockyard.machine.host import Host
    from dockyard.model.events import Report

APT = ("apt-get", "--quiet", "--yes", "-o", "Dpkg::Use-Pty=0", "-o", "DPkg::Lock::Timeout=300")
"""Another apt-get may be at work: its lock is waited for, five minutes at most."""

NOT_INTERACTIVE = {"DEBIAN_FRONTEND": "noninteractive", "NEEDRESTART_SUSPEND": "1", "LC_ALL": "C.UTF-8"}
"""No questions, no restarts of services that are not ours (Ubuntu's needrestart), messages that can be told apart."""

STALE = re.compile(r"Unable to locate package|no installation candidate|Unable to fetch some archives|404 ")
"""What apt-get says when its lists are missing or older than the mirror."""

LIMIT = 1800.0
"""Seconds for one run of apt-get."""

QUICK = 60.0


def available(names: Iterable[str]) -> tuple[str, ...]:
    """Return those of the packages that apt could install, as far as its lists know."""
    wanted = tuple(names)
    done = run(["apt-cache", "policy", *wanted], timeout=QUICK, environment=NOT_INTERACTIVE)
    return tuple(name for name in wanted if name in parse_policy(done.stdout))


def parse_policy(text: str) -> frozenset[str]:
    """Return the packages with a candidate in what `apt-cache policy` prints."""
    found = re.findall(r"^(\S+):\n\s+Installed: .*\n\s+Candidate: (?!\(none\))\S", text, flags=re.MULTILINE)
    return frozenset(found)


def update(report: Report) -> None:
    """Fetch the lists of packages.

    Raises:
        MachineError: The mirrors cannot be reached, or the disk is full.
    """
    report(Event("packages", "Updating", "apt-get update"))
    try:
        run([*APT, "update"], timeout=LIMIT, environment=NOT_INTERACTIVE)
    except ToolError as error:
        raise _translated("The lists of packages could not be fetched", error) from error


def install(names: Sequence[str], report: Report) -> None:
    """Install packages, without what they only recommend; nothing that is there is removed for them.

    Raises:
        MachineError: They cannot be had, clash with what is installed, or the disk is full.
    """
    try:
        _install(names, report)
    except ToolFailedError as error:
        if not STALE.search(error.stderr):
            raise _translated(f"Could not install {', '.join(names)}", error) from error
        update(report)
        try:
            _install(names, report)
        except ToolError as second:
            raise _translated(f"Could not install {', '.join(names)}", second) from second


def ensure_package(program: str, package: str, report: Report, *, reason: str, host: Host | None = None) -> None:
    """Have a program that a Debian package brings; nothing happens where it is there.

    Args:
        program: What is looked for on PATH.
        package: What brings it.
        report: Told of the installation.
        reason: What it is needed for, one sentence without its full stop.
        host: The machine; this one by default.

    Raises:
        MachineError: It is not there and cannot be installed.
    """
    if shutil.which(program) is not None:
        return
    if not (host or this_machine.observe()).installs:
        fix = f"Install the package {package} as root (Debian and Ubuntu: `sudo apt-get install {package}`)"
        raise MachineError(f"The program {program!r} is not there", why=reason, fix=fix)
    report(Event(program, "Installing", f"the package {package}: {reason}"))
    install((package,), report)


def _install(names: Sequence[str], report: Report) -> None:
    def tell(line: str) -> None:
        if line.startswith(("Unpacking ", "Setting up ")):
            report(Event("packages", "Installing", line.partition(" (")[0], passing=True))

    arguments = ["install", "--no-install-recommends", "--no-remove", *names]
    run([*APT, *arguments], timeout=LIMIT, environment=NOT_INTERACTIVE, on_line=tell)


def _translated(what: str, error: ToolError) -> MachineError:
    said = error.stderr if isinstance(error, ToolFailedError) else ""
    if FULL.search(said):
        return disk_full(what, Path("/var"))
    why = last_words("\n".join(line for line in said.splitlines() if line.startswith("E: ")) or said or error.what)
    return MachineError(
        what, why=why, fix="See that `apt-get update` works on this machine, then run `./inv setup` again"
    )
