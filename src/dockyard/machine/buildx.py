"""buildx, the plugin of the docker command line that builds with BuildKit.

From the distribution where it has it, else from Debian's next release: that package needs nothing but libc and works
beside older engines. It is then only unpacked into the user's plugin folder; apt's own sources stay as they are.
"""

from __future__ import annotations

import os
import shutil
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING

from dockyard.assets import asset
from dockyard.machine import packages
from dockyard.machine.requirement import Requirement, Step
from dockyard.machine.trouble import FULL, disk_full, last_words
from dockyard.model.errors import MachineError, ToolError, ToolFailedError
from dockyard.model.events import Event
from dockyard.tools.process import run

if TYPE_CHECKING:
    from collections.abc import Mapping

    from dockyard.machine.host import Host
    from dockyard.model.events import Report

NAME = "docker buildx"

PACKAGES = ("docker-buildx-plugin", "docker-buildx")
"""Docker's own package, which only machines with Docker's package source have, and the distributions'."""

SUITE = "trixie"
"""The first Debian release with a package of buildx."""

PLUGIN = "docker-buildx"
IN_PACKAGE = ("usr/libexec/docker/cli-plugins", "usr/lib/docker/cli-plugins")

QUICK = 30.0
LIMIT = 600.0
"""Seconds for the lists of a release, 10 MB, and the package, 13 MB."""


def observe() -> str | None:
    """Return the version of buildx, or None where the docker command line does not know it."""
    try:
        done = run(["docker", "buildx", "version"], timeout=QUICK, check=False)
    except ToolError:
        return None
    words = done.stdout.split()
    return words[1] if done.returncode == 0 and len(words) > 1 else None


def plan(host: Host, found: str | None) -> Requirement:
    """Decide what is done for buildx."""
    if found is not None:
        return Requirement(NAME, "any", found, ok=True)
    if host.debian:
        return Requirement(
            NAME, "any", None, ok=False, action=f"install the package {PACKAGES[1]}", step=Step.INSTALL_BUILDX
        )
    tool = (
        "`brew install docker-buildx`" if host.system == "darwin" else f"the package {PACKAGES[0]} of Docker's packages"
    )
    return Requirement(NAME, "any", None, ok=False, action=f"install {tool}")


def install(host: Host, report: Report) -> str:
    """Install buildx: as a package of this system, else into the user's plugin folder.

    Returns:
        What was done.

    Raises:
        MachineError: It cannot be had.
    """
    known = packages.available(PACKAGES) if host.root else ()
    if known:
        report(Event(NAME, "Installing", f"the package {known[0]}"))
        packages.install(known[:1], report)
        return f"package {known[0]} installed"
    return _unpack(report)


def plugin_folder(environment: Mapping[str, str] = os.environ) -> Path:
    """Return the folder in which every docker command line of this user looks for plugins."""
    configured = environment.get("DOCKER_CONFIG")
    return (Path(configured) if configured else Path.home() / ".docker") / "cli-plugins"


def _unpack(report: Report) -> str:
    report(Event(NAME, "Fetching", f"Debian {SUITE}'s package {PACKAGES[1]}: this release has none"))
    folder = plugin_folder()
    try:
        with TemporaryDirectory(prefix="dockyard-") as temporary:
            package = fetch_package(PACKAGES[1], SUITE, Path(temporary))
            put_plugin(package, Path(temporary, "unpacked"), folder)
    except ToolFailedError as error:
        raise _unavailable(error) from error
    report(Event(NAME, "Installed", str(folder / PLUGIN)))
    return f"Debian {SUITE}'s package unpacked into {folder}"


def fetch_package(name: str, suite: str, folder: Path) -> Path:
    """Fetch a package of another Debian release with apt-get, which checks its signatures.

    Sources, lists and caches are in ``folder``; this machine's stay as they are. The mirror is this machine's own.

    Raises:
        ToolFailedError: No mirror is configured or reached, or it has no such package.
    """
    sources = folder / "sources.list.d"
    for made in (sources, folder / "lists/partial", folder / "cache/archives/partial", folder / "package"):
        made.mkdir(parents=True)
    stanzas = run(["sh", str(asset("scripts/debian-rootfs")), suite, "--sources"], timeout=QUICK).stdout
    (sources / "debian.sources").write_text(stanzas)
    apt = ["apt-get", "--quiet", *private_apt(folder)]
    run([*apt, "update"], timeout=LIMIT, environment=packages.NOT_INTERACTIVE)
    run([*apt, "download", name], timeout=LIMIT, environment=packages.NOT_INTERACTIVE, cwd=folder / "package")
    return next((folder / "package").glob("*.deb"))


def private_apt(folder: Path) -> list[str]:
    """Return the options that keep apt-get to one folder; proxies and logins stay the machine's."""
    settings = {
        "Dir::Etc::SourceList": "/dev/null",
        "Dir::Etc::SourceParts": folder / "sources.list.d",
        "Dir::Etc::Preferences": "/dev/null",
        "Dir::Etc::PreferencesParts": "/dev/null",
        "Dir::State::Lists": folder / "lists",
        "Dir::State::Status": "/dev/null",
        "Dir::Cache": folder / "cache",
        "APT::Sandbox::User": "root",  # apt's own user may not read a folder of this user's
        "Acquire::Languages": "none",
    }
    return [word for key, value in settings.items() for word in ("-o", f"{key}={value}")]


def put_plugin(package: Path, unpacked: Path, folder: Path) -> None:
    """Put the plugin of a Debian package into a plugin folder, in one step.

    Raises:
        ToolFailedError: The package cannot be unpacked.
        MachineError: The plugin is not in it, or the disk is full.
    """
    run(["dpkg-deb", "--extract", str(package), str(unpacked)], timeout=QUICK)
    plugin = next((path for place in IN_PACKAGE if (path := unpacked / place / PLUGIN).is_file()), None)
    if plugin is None:
        raise MachineError(f"The package {package.name} has no {PLUGIN}", fix="Install buildx by hand")
    new = folder / f".{PLUGIN}.{os.getpid()}"
    try:
        folder.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(plugin, new)
        new.chmod(0o755)
        new.replace(folder / PLUGIN)
    except OSError as error:
        raise MachineError(f"{NAME} could not be put into {folder}", why=str(error)) from error
    finally:
        new.unlink(missing_ok=True)


def _unavailable(error: ToolFailedError) -> MachineError:
    what = f"{NAME} could not be installed"
    if FULL.search(error.stderr):
        return disk_full(what, Path.home())
    return MachineError(
        what,
        why=last_words(error.stderr),
        fix="See that `apt-get update` works on this machine, then run `./inv setup` again",
    )
