"""buildx, the plugin of the docker command line."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from dockyard.machine import buildx, packages
from dockyard.machine.host import Host
from dockyard.machine.requirement import Step
from dockyard.model.errors import MachineError, ToolMissingError
from dockyard.tools.process import run
from tests.conftest import MissingTool
from tests.fakes import Recorder
from tests.machine.conftest import Script, a_host, failed


@pytest.mark.parametrize(
    ("answer", "version"),
    [
        ("github.com/docker/buildx 0.13.1+ds1 0.13.1+ds1-3\n", "0.13.1+ds1"),
        ("github.com/docker/buildx v0.24.0 d0e5e86", "v0.24.0"),
        (failed("docker: unknown command: docker buildx"), None),
        (ToolMissingError("docker"), None),
    ],
    ids=["Debian's", "Docker's", "no plugin", "no docker"],
)
def test_the_command_line_is_asked_for_its_plugin(
    answer: object, version: str | None, script: Callable[..., Script]
) -> None:
    """The docker command line itself says whether it has buildx, wherever the plugin is."""
    script(buildx, ("docker buildx version", answer))
    assert buildx.observe() == version


@pytest.mark.parametrize(
    ("host", "found", "step", "words"),
    [
        (a_host(root=False, debian=False), "0.24", Step.NOTHING, ""),
        (a_host(), None, Step.INSTALL_BUILDX, "docker-buildx"),
        (a_host(root=False), None, Step.INSTALL_BUILDX, "docker-buildx"),
        (a_host(debian=False), None, Step.NOTHING, "docker-buildx-plugin"),
        (a_host("darwin", debian=False), None, Step.NOTHING, "brew install docker-buildx"),
    ],
)
def test_what_is_done_about_buildx(host: Host, found: str | None, step: Step, words: str) -> None:
    """Debian gets it, with or without root; other systems are told how; what is there stays."""
    requirement = buildx.plan(host, found)
    assert (requirement.ok, requirement.found, requirement.step) == (found is not None, found, step)
    assert words in requirement.action


@pytest.mark.parametrize(
    ("known", "installed"),
    [(("docker-buildx",), "docker-buildx"), (("docker-buildx-plugin", "docker-buildx"), "docker-buildx-plugin")],
)
def test_a_package_of_the_system_is_preferred(
    known: tuple[str, ...], installed: str, monkeypatch: pytest.MonkeyPatch, recorder: Recorder
) -> None:
    """Docker's own package, where its source is configured, belongs to Docker's engine; else the distribution's."""
    asked: list[tuple[str, ...]] = []
    monkeypatch.setattr(packages, "available", lambda _: known)
    monkeypatch.setattr(packages, "install", lambda names, _: asked.append(names))
    assert buildx.install(a_host(), recorder) == f"package {installed} installed"
    assert asked == [(installed,)]


def test_a_release_without_it_gets_the_next_one_s(
    script: Callable[..., Script], monkeypatch: pytest.MonkeyPatch, recorder: Recorder, tmp_path: Path
) -> None:
    """It is fetched from the machine's own mirror, with apt lists of its own, and it is only unpacked."""
    monkeypatch.setattr(packages, "available", lambda _: ())
    monkeypatch.setenv("DOCKER_CONFIG", str(tmp_path))
    unpacked: list[Path] = []
    monkeypatch.setattr(buildx, "put_plugin", lambda _package, _unpacked, folder: unpacked.append(folder))
    monkeypatch.setattr(Path, "glob", lambda folder, _: iter([folder / "docker-buildx.deb"]))
    scripted = script(buildx, ("debian-rootfs trixie --sources", "Types: deb\n"), ("update", ""), ("download", ""))
    assert str(tmp_path) in buildx.install(a_host(), recorder)
    assert unpacked == [tmp_path / "cli-plugins"]
    for command in scripted.asked[1:]:
        assert "Dir::Etc::SourceList=/dev/null" in command
        assert "Dir::State::Lists=" in command


def test_a_machine_without_a_mirror_is_told(
    script: Callable[..., Script], monkeypatch: pytest.MonkeyPatch, recorder: Recorder
) -> None:
    """What the search for a mirror says is passed on."""
    monkeypatch.setattr(packages, "available", lambda _: ())
    script(buildx, ("debian-rootfs", failed("debian-rootfs: no Debian mirror in the apt configuration")))
    with pytest.raises(MachineError, match="no Debian mirror in the apt configuration"):
        buildx.install(a_host(), recorder)


def test_a_full_disk_is_named(
    script: Callable[..., Script], monkeypatch: pytest.MonkeyPatch, recorder: Recorder
) -> None:
    """A disk that fills up while apt fetches is told as that."""
    monkeypatch.setattr(packages, "available", lambda _: ())
    script(
        buildx,
        ("debian-rootfs", "Types: deb"),
        ("update", failed("E: Write error - write (28: No space left on device)")),
    )
    with pytest.raises(MachineError, match="The disk is full"):
        buildx.install(a_host(), recorder)


def test_everything_of_apt_is_in_one_folder(tmp_path: Path) -> None:
    """No option of the private apt points at the machine's own lists, caches or sources."""
    values = [option.partition("=")[2] for option in buildx.private_apt(tmp_path) if option.startswith("Dir::")]
    assert values
    assert all(value == "/dev/null" or value.startswith(str(tmp_path)) for value in values)


@pytest.mark.parametrize(
    ("environment", "folder"),
    [({"DOCKER_CONFIG": "/etc/me"}, Path("/etc/me/cli-plugins")), ({}, Path.home() / ".docker/cli-plugins")],
)
def test_plugins_are_where_the_command_line_looks(environment: dict[str, str], folder: Path) -> None:
    """DOCKER_CONFIG moves the folder of plugins, as the command line's reference says."""
    assert buildx.plugin_folder(environment) == folder


def a_package(folder: Path, place: str) -> Path:
    """Return a Debian package with a plugin that is a script."""
    control = folder / "content/DEBIAN/control"
    plugin = folder / "content" / place / "docker-buildx"
    for path in (control, plugin):
        path.parent.mkdir(parents=True)
    control.write_text("Package: x\nVersion: 1\nArchitecture: all\nMaintainer: x <x@example.org>\nDescription: x\n")
    plugin.write_text("#!/bin/sh\necho plugin\n")
    plugin.chmod(0o644)
    run(["dpkg-deb", "--build", "--root-owner-group", str(folder / "content"), str(folder / "x.deb")], timeout=30)
    return folder / "x.deb"


@pytest.fixture
def dpkg(missing_tool: MissingTool) -> None:
    """Need dpkg-deb."""
    if shutil.which("dpkg-deb") is None:
        missing_tool("dpkg-deb", fix="this is no Debian")


@pytest.mark.process
@pytest.mark.usefixtures("dpkg")
@pytest.mark.parametrize("place", buildx.IN_PACKAGE)
def test_the_plugin_is_unpacked(place: str, tmp_path: Path) -> None:
    """The plugin lands executable in the folder, over an older one, and nothing else does."""
    plugins = tmp_path / "plugins"
    plugins.mkdir()
    (plugins / "docker-buildx").write_text("old")
    buildx.put_plugin(a_package(tmp_path, place), tmp_path / "unpacked", plugins)
    assert run([str(plugins / "docker-buildx")], timeout=10).stdout == "plugin\n"
    assert [path.name for path in plugins.iterdir()] == ["docker-buildx"]


@pytest.mark.process
@pytest.mark.usefixtures("dpkg")
def test_a_package_without_the_plugin_is_refused(tmp_path: Path) -> None:
    """A package that changed its layout is an error, not a silent nothing."""
    with pytest.raises(MachineError, match="has no docker-buildx"):
        buildx.put_plugin(a_package(tmp_path, "usr/bin"), tmp_path / "unpacked", tmp_path / "plugins")
