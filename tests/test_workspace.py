"""What one command works with."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from dockyard.model.cluster import EMBEDDED_KUBERNETES
from dockyard.model.errors import ClusterError
from dockyard.model.project import Project
from dockyard.workspace import Workspace
from tests.fakes import FakeClock, FakeCluster, FakeDocker

VALUE = "hunter2"


def workspace(root: Path, cluster: FakeCluster | None = None) -> Workspace:
    """Return a workspace with a secret."""
    return Workspace(
        root=root,
        project=Project.model_validate({"name": "test", "cluster": {"namespace": "todo"}}),
        docker=FakeDocker(),
        cluster=cluster or FakeCluster(),
        programs={"helm": root / "helm", "kubectl": root / "kubectl"},
        clock=FakeClock(),
        ca_bundle=None,
        secrets={"KEY": VALUE},
    )


def test_secrets_stand_in_no_repr(tmp_path: Path) -> None:
    """A log or a failed assertion shows reprs."""
    assert VALUE not in repr(workspace(tmp_path))


def test_the_target_is_the_namespace_of_the_project(tmp_path: Path) -> None:
    """Never what the user happens to have chosen."""
    target = workspace(tmp_path).target()
    assert (target.namespace, target.context) == ("todo", "test")


def test_a_cluster_that_does_not_run_has_no_target(tmp_path: Path) -> None:
    """It says so, and starts nothing."""
    cluster = FakeCluster(running=False)
    with pytest.raises(ClusterError, match="does not run"):
        workspace(tmp_path, cluster).target()
    assert cluster.calls == []


def test_the_version_is_what_the_cluster_says(tmp_path: Path) -> None:
    """If it cannot be asked, it is that of dockyard.yaml, and unknown without one: nothing fails for that."""
    cluster = FakeCluster(running=False)
    made = workspace(tmp_path, cluster)
    assert made.kubernetes_version() == EMBEDDED_KUBERNETES
    cluster.version = ""
    assert made.kubernetes_version() == ""
    wanted = Project.model_validate({"name": "test", "cluster": {"kubernetesVersion": "1.31.4"}})
    assert replace(made, project=wanted).kubernetes_version() == "v1.31.4"


def test_helm_without_a_target_renders_and_changes_nothing(tmp_path: Path) -> None:
    """Rendering needs no cluster; what needs one says that there is none."""
    helm = workspace(tmp_path).helm()
    with pytest.raises(ValueError, match="no cluster"):
        helm.uninstall("web")


def test_a_secret_that_becomes_known_is_redacted(tmp_path: Path) -> None:
    """In both workspaces, since both print to the same screen; the first one's secrets stay as they are."""
    first = workspace(tmp_path)
    second = first.with_secret("URL", "postgresql://todo:battery-staple@db/todo")
    assert (set(first.secrets), set(second.secrets)) == ({"KEY"}, {"KEY", "URL"})
    for made in (first, second):
        assert "battery-staple" not in made.redactor.redact("at postgresql://todo:battery-staple@db/todo")
    assert "battery-staple" not in repr(second)


def test_state_is_a_folder_of_the_project(tmp_path: Path) -> None:
    """Which git ignores."""
    assert workspace(tmp_path).state == tmp_path / ".dockyard"
    ignored = (Path(__file__).parents[1] / ".gitignore").read_text(encoding="utf-8").splitlines()
    assert any(line.strip("/") == ".dockyard" for line in ignored)
