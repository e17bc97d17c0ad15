"""What kind of machine this is."""

from __future__ import annotations

import platform
import shutil

import pytest

from dockyard.machine import host
from tests.machine.conftest import a_host


@pytest.mark.parametrize(
    ("release", "debian"),
    [
        ({"ID": "debian"}, True),
        ({"ID": "ubuntu", "ID_LIKE": "debian"}, True),
        ({"ID": "linuxmint", "ID_LIKE": "ubuntu debian"}, True),
        ({"ID": "fedora"}, False),
        ({"ID": "rocky", "ID_LIKE": "rhel centos fedora"}, False),
        (None, False),
    ],
)
def test_debian_is_told_by_os_release(
    release: dict[str, str] | None, *, debian: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Debian and what says that it is like it are Debian; a machine without the file is not."""

    def read() -> dict[str, str]:
        if release is None:
            raise OSError("no such file")
        return release

    monkeypatch.setattr(platform, "freedesktop_os_release", read)
    monkeypatch.setattr(shutil, "which", lambda name: f"/usr/bin/{name}")
    assert host.observe().debian is debian


def test_debian_without_apt_is_none(monkeypatch: pytest.MonkeyPatch) -> None:
    """A machine without apt-get cannot install packages, whatever it calls itself."""
    monkeypatch.setattr(platform, "freedesktop_os_release", lambda: {"ID": "debian"})
    monkeypatch.setattr(shutil, "which", lambda _: None)
    assert host.observe().debian is False


@pytest.mark.parametrize(
    ("system", "machine", "named"),
    [
        ("Linux", "x86_64", "linux-amd64"),
        ("Linux", "aarch64", "linux-arm64"),
        ("Darwin", "arm64", "darwin-arm64"),
        ("Darwin", "x86_64", "darwin-amd64"),
        ("Linux", "riscv64", "linux-riscv64"),
    ],
)
def test_platforms_have_the_names_of_releases(
    system: str, machine: str, named: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Kernels name processors otherwise than releases do; an unknown one keeps its name."""
    monkeypatch.setattr(platform, "system", lambda: system)
    monkeypatch.setattr(platform, "machine", lambda: machine)
    assert host.observe().platform == named


@pytest.mark.parametrize(
    ("debian", "root", "installs"), [(True, True, True), (True, False, False), (False, True, False)]
)
def test_only_root_on_debian_installs(*, debian: bool, root: bool, installs: bool) -> None:
    """Packages are installed by root, and where there are Debian's tools."""
    assert a_host(debian=debian, root=root).installs is installs
