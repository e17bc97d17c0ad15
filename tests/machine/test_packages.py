"""Debian's packages."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from dockyard.machine import packages
from dockyard.model.errors import MachineError, ToolTimeoutError
from tests.fakes import Recorder
from tests.machine.conftest import Script, a_host, failed

POLICY = """\
docker.io:
  Installed: 20.10.24+dfsg1-1+deb12u1+b6
  Candidate: 20.10.24+dfsg1-1+deb12u1+b6
  Version table:
 *** 20.10.24+dfsg1-1+deb12u1+b6 500
        500 http://mirror.invalid/debian bookworm/main amd64 Packages
        100 /var/lib/dpkg/status
containerd:
  Installed: (none)
  Candidate: 1.6.20~ds1-1+deb12u3
  Version table:
     1.6.20~ds1-1+deb12u3 500
docker-cli:
  Installed: (none)
  Candidate: (none)
  Version table:
"""


def test_a_package_is_available_when_it_has_a_candidate(script: Callable[..., Script]) -> None:
    """A package is available where apt names a candidate: not where it says (none), nor where it says nothing."""
    script(packages, ("apt-cache policy", POLICY))
    assert packages.available(("docker-cli", "containerd", "docker.io", "docker-buildx")) == ("containerd", "docker.io")


def test_nothing_is_removed_or_asked(script: Callable[..., Script], recorder: Recorder) -> None:
    """Packages are installed without questions, without what they recommend, and never in place of others."""
    scripted = script(packages, ("apt-get", ""))
    packages.install(("docker.io",), recorder)
    assert "--yes" in scripted.asked[0]
    assert scripted.asked[0].endswith("install --no-install-recommends --no-remove docker.io")
    assert scripted.options[0]["environment"]["DEBIAN_FRONTEND"] == "noninteractive"


@pytest.mark.parametrize(
    "said",
    [
        "E: Unable to locate package docker.io",
        "E: Package 'docker.io' has no installation candidate",
        "E: Failed to fetch http://mirror.invalid/x.deb  404  Not Found\nE: Unable to fetch some archives",
    ],
)
def test_old_lists_are_fetched_anew(said: str, script: Callable[..., Script], recorder: Recorder) -> None:
    """Where apt does not know a package or its file is gone, the lists are fetched, and it is tried once more."""
    scripted = script(packages, ("install", failed(said)), ("update", ""), ("install", ""))
    packages.install(("docker.io",), recorder)
    assert scripted.unused == []
    assert ("packages", "Updating") in recorder.lasting


def test_lists_are_not_fetched_without_need(script: Callable[..., Script], recorder: Recorder) -> None:
    """A clash is no reason to fetch lists: apt's own words are shown."""
    script(packages, ("install", failed("E: Packages need to be removed but remove is disabled.")))
    with pytest.raises(MachineError, match="remove is disabled") as caught:
        packages.install(("docker.io",), recorder)
    assert caught.value.what == "Could not install docker.io"


def test_a_second_failure_is_the_last(script: Callable[..., Script], recorder: Recorder) -> None:
    """What cannot be installed with new lists either is an error with apt's words."""
    said = "E: Unable to locate package nothing"
    script(packages, ("install", failed(said)), ("update", ""), ("install", failed(said)))
    with pytest.raises(MachineError, match="Unable to locate package nothing"):
        packages.install(("nothing",), recorder)


def test_a_full_disk_is_named(script: Callable[..., Script], recorder: Recorder) -> None:
    """The word of apt for a full disk becomes a sentence with what is free."""
    script(packages, ("install", failed("E: You don't have enough free space in /var/cache/apt/archives/.")))
    with pytest.raises(MachineError, match=r"The disk is full: \d+ MB are free in /var"):
        packages.install(("docker.io",), recorder)


def test_silent_mirrors_are_named(script: Callable[..., Script], recorder: Recorder) -> None:
    """Without its mirrors apt cannot fetch lists; a time-out says so too."""
    script(packages, ("update", ToolTimeoutError(["apt-get"], 1800)))
    with pytest.raises(MachineError, match="did not end within 1800 s") as caught:
        packages.update(recorder)
    assert "apt-get update" in caught.value.fix


def test_a_program_that_is_there_needs_no_package(recorder: Recorder) -> None:
    """Nothing happens for a program that is on PATH."""
    packages.ensure_package("sh", "dash", recorder, reason="Scripts run in it", host=a_host(root=False))
    assert recorder.events == []


def test_a_missing_program_is_installed_by_root(script: Callable[..., Script], recorder: Recorder) -> None:
    """Root on Debian gets the package that brings a program, and is told what for."""
    scripted = script(packages, ("install", ""))
    packages.ensure_package("no-such-program", "package", recorder, reason="It is needed", host=a_host())
    assert scripted.asked[0].endswith(" package")
    assert "It is needed" in recorder.events[0].text


@pytest.mark.parametrize("host", [a_host(root=False), a_host(debian=False)])
def test_a_missing_program_is_explained_to_others(host: object, recorder: Recorder) -> None:
    """Who cannot install packages is told which one, and why."""
    with pytest.raises(MachineError, match="It is needed") as caught:
        packages.ensure_package("no-such-program", "package", recorder, reason="It is needed", host=host)  # type: ignore[arg-type]  # pytest's tables have no types
    assert "apt-get install package" in caught.value.fix
