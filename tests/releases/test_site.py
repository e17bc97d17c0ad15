"""What releases are worked on with, put together once."""

from __future__ import annotations

import pytest

from dockyard.model.errors import ClusterError
from dockyard.releases.site import connect
from tests.releases.conftest import Work


def test_a_site_is_on_the_projects_cluster(work: Work) -> None:
    """Helm, the API server and the view are the cluster's own."""
    site = connect(work.workspace, work.report)
    assert (site.helm, site.api) == (work.helm, work.api)
    work.deployed("v1")
    assert [entry["kind"] for entry in site.view.look().objects] == ["Deployment", "ReplicaSet", "Pod"]


def test_a_cluster_that_does_not_run_is_told(work: Work) -> None:
    """Before anything is asked of it."""
    work.workspace.cluster.running = False
    with pytest.raises(ClusterError, match="does not run"):
        connect(work.workspace)


def test_a_site_knows_whether_its_cluster_runs(work: Work) -> None:
    """Asked anew each time: it may be stopped meanwhile."""
    site = connect(work.workspace)
    assert site.runs()
    work.workspace.cluster.running = False
    assert not site.runs()
