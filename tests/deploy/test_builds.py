"""The images of one command: looked up and built as soon as their base images are there."""

from __future__ import annotations

import pytest

from dockyard.deploy.builds import ImageBuilds
from dockyard.images import bases
from dockyard.images.bases import Base
from dockyard.images.plan import UNKNOWN
from dockyard.model.errors import BuildError
from dockyard.model.events import Event, Report
from tests.deploy.conftest import BASE, Deploying
from tests.fakes import FakeDocker, FakeWorkspace, Recorder

IMAGES = ("api-image", "web-image", "mail-image")


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The base images that were asked for; each is then in the engine."""
    made: list[str] = []

    def resolve(docker: FakeDocker, image: str, _report: Report, **_: object) -> Base:
        made.append(image)
        docker.held[image] = FakeDocker(image).held[image]
        return Base(image, image, docker.held[image].id, fallback=False)

    monkeypatch.setattr(bases, "resolve", resolve)
    return made


def test_looking_gets_no_base_image(workspace: FakeWorkspace, asked: list[str]) -> None:
    """Neither one that is there nor one that is missing."""
    there = ImageBuilds.look(workspace, IMAGES)
    assert (there.missing, list(there.base_jobs(Recorder()))) == ({}, [])
    assert (tuple(there.seen), there.unbuilt()) == (IMAGES, IMAGES)
    workspace.docker.held.clear()
    missing = ImageBuilds.look(workspace, IMAGES)
    assert missing.missing == {BASE: IMAGES}
    assert {seen.sources for seen in missing.seen.values()} == {UNKNOWN}
    assert asked == []


def test_an_image_is_looked_up_again_with_its_base(workspace: FakeWorkspace, asked: list[str]) -> None:
    """Two images on one base need it once; their fingerprints are known then, in the same order."""
    workspace.docker.held.clear()
    builds = ImageBuilds.look(workspace, IMAGES)
    (job,) = builds.base_jobs(Recorder())
    assert (job.name, job.counted, {builds.base_of(name) for name in IMAGES}) == (f"base {BASE}", False, {job.name})
    job.run()
    assert asked == [BASE]
    assert tuple(builds.seen) == IMAGES
    assert UNKNOWN not in {seen.sources for seen in builds.seen.values()}
    assert {source.base and source.base.reference for source in builds.sources.values()} == {BASE}


def test_an_image_that_the_engine_has_is_not_unbuilt(deployed: Deploying) -> None:
    """Only the one whose sources changed is."""
    deployed.change("web")
    assert ImageBuilds.look(deployed.workspace, IMAGES).unbuilt() == ("web-image",)


def test_what_the_engine_lacks_is_built_before_the_node_is_asked(deployed: Deploying, asked: list[str]) -> None:
    """That is decided again when a base image is there: the image may be as well."""
    held = deployed.workspace.docker.held
    base = held.pop(BASE)
    builds = ImageBuilds.look(deployed.workspace, IMAGES)
    builds.build_before_node()
    assert {seen.build_first for seen in builds.seen.values()} == {True}
    (job,) = builds.base_jobs(Recorder())
    job.run()
    assert (asked, held[BASE]) == ([BASE], base)
    assert {seen.build_first for seen in builds.seen.values()} == {False}
    assert builds.unbuilt() == ()


def test_a_base_image_that_is_unavailable_is_reported_at_once(
    workspace: FakeWorkspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The node image may be built for minutes before the command ends."""

    def fail(*_: object, **__: object) -> None:
        raise BuildError("The base image is unavailable")

    monkeypatch.setattr(bases, "resolve", fail)
    workspace.docker.held.clear()
    report = Recorder()
    (job,) = ImageBuilds.look(workspace, IMAGES).base_jobs(report)
    with pytest.raises(BuildError):
        job.run()
    assert report.events == [Event(BASE, "Failed", "The base image is unavailable")]
