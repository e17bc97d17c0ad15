"""The images that releases run, and bringing them back into a node that lost them."""

from __future__ import annotations

import pytest

from dockyard.charts.manifests import Manifests
from dockyard.model.errors import RolloutError
from dockyard.releases.images import bring_back, images_of
from tests.fakes import FakeDocker
from tests.releases.conftest import Work
from tests.releases.objects import deployment, manifests, service

POD = """
kind: CronJob
metadata: {name: nightly}
spec: {jobTemplate: {spec: {template: {spec: {
  initContainers: [{name: migrate, image: "web:v1"}],
  containers: [{name: app, image: "job:v1"}, {name: odd, image: 7}, {name: none}]}}}}}
"""


def test_every_pod_of_a_release_counts() -> None:
    """Whatever makes it; each image once, and what is no name is none."""
    sent = manifests(deployment("a", image="web:v1"), deployment("b", image="api:v1"), service())
    assert images_of(sent) == ("web:v1", "api:v1")
    assert images_of(Manifests.parse(POD)) == ("web:v1", "job:v1")


def test_what_the_node_has_is_not_loaded(work: Work) -> None:
    """Nor is the engine asked."""
    work.workspace.cluster.held = {"web:v1": "sha256:1"}
    bring_back(work.workspace, ["web:v1"], work.report)
    assert work.workspace.cluster.calls == []


def test_what_the_node_lost_is_loaded(work: Work) -> None:
    """From the engine, which has it still."""
    work.workspace.docker.held = FakeDocker("web:v1", "web:v2").held
    bring_back(work.workspace, ["web:v1"], work.report)
    assert list(work.workspace.cluster.held) == ["web:v1"]


def test_nothing_is_loaded_unless_all_can_be_had(work: Work) -> None:
    """Half of a revision helps nobody."""
    work.workspace.docker.held = FakeDocker("web:v1").held
    with pytest.raises(RolloutError, match="The image web:v2 of that revision is gone, and nothing was touched"):
        bring_back(work.workspace, ["web:v1", "web:v2"], work.report)
    assert work.workspace.cluster.calls == []


@pytest.mark.parametrize("reference", ["postgres:17", "other.invalid:5000/web:v1", "web", "web@sha256:1"])
def test_images_that_are_not_the_projects_are_left_to_the_node(work: Work, reference: str) -> None:
    """It may pull them."""
    bring_back(work.workspace, [reference], work.report)
    assert work.workspace.cluster.calls == []
