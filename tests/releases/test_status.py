"""What is there, for people who ask."""

from __future__ import annotations

from pathlib import Path

import pytest

from dockyard.model.errors import RolloutError, UnknownNameError
from dockyard.releases.status import ReleaseStatus, pod_logs, revisions, statuses, urls
from tests.fakes import FakeHelm, FakeKubectl, FakeWorkspace, fake_workspace
from tests.releases.objects import deployment, pod, replica_set, runs, service, text

PROJECT = {"releases": {"web": {"chart": "helm/web", "needs": ["api"]}, "api": {"chart": "helm/api"}}}
LIVE = (deployment("api"), replica_set(of="api"), pod("api-a", runs(), owner="uid-api-2"))


@pytest.fixture
def workspace(tmp_path: Path) -> FakeWorkspace:
    """A project of two releases; one is installed, twice."""
    helm = FakeHelm()
    helm.record("api", text(deployment("api")), tag="v1")
    helm.record("api", text(deployment("api"), service("api", node_port=30081)), tag="v2")
    return fake_workspace(tmp_path, PROJECT, helm=helm, kubectl=FakeKubectl(LIVE))


def test_every_release_of_the_project_has_a_row(workspace: FakeWorkspace) -> None:
    """In the order of the deploy, absent ones too; a row says what is missing."""
    assert statuses(workspace) == (
        ReleaseStatus("api", "Running", 2, "v2", 1, 1, "Service api has no ready endpoint"),
        ReleaseStatus("web", "Absent", note="not installed; `./inv deploy` does it"),
    )


def test_what_helm_did_not_finish_is_said(workspace: FakeWorkspace) -> None:
    """Pods may be Ready while the release is stuck."""
    workspace.fake_helm.record("api", text(deployment("api")), status="pending-upgrade", tag="v3")
    row = statuses(workspace)[0]
    assert (row.state, row.revision, row.note) == ("Ready", 3, "Helm says pending-upgrade.")


def test_revisions_come_oldest_first(workspace: FakeWorkspace) -> None:
    """As Helm keeps them."""
    assert [(row.revision, row.status) for row in revisions(workspace, "api")] == [(1, "superseded"), (2, "deployed")]


def test_a_release_that_is_not_installed_says_so(workspace: FakeWorkspace) -> None:
    """The project knows it: a name like it would be no help."""
    with pytest.raises(RolloutError) as caught:
        revisions(workspace, "web")
    assert str(caught.value) == "Release web is not installed. Run `./inv deploy`."


def test_an_unknown_release_names_the_nearest(workspace: FakeWorkspace) -> None:
    """Also one that only the cluster has is known."""
    workspace.fake_helm.record("grafana", "")
    with pytest.raises(UnknownNameError) as caught:
        revisions(workspace, "grafna")
    assert caught.value.known == ("api", "grafana", "web")
    assert caught.value.fix == "Did you mean 'grafana'?"


def test_logs_come_from_the_pods_of_the_release(workspace: FakeWorkspace) -> None:
    """They are found by the workload's own labels."""
    workspace.fake_kubectl.lines = {("api-a", False): "hello\n"}
    assert list(pod_logs(workspace, "api", tail=5)) == [("api-a", "hello\n")]
    assert workspace.fake_kubectl.asked == ["app=api,tier=web"]


def test_logs_of_an_unknown_release_are_refused(workspace: FakeWorkspace) -> None:
    """An empty answer would look like a silent pod."""
    with pytest.raises(UnknownNameError):
        list(pod_logs(workspace, "nothing", tail=5))


def test_urls_are_those_of_node_ports(workspace: FakeWorkspace) -> None:
    """Of what is installed, not of what might be."""
    assert urls(workspace) == (("api", "http://127.0.0.1:30081"),)
