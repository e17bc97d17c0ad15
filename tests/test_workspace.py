"""What one command works with."""

from __future__ import annotations

from pathlib import Path

from dockyard.model.project import Project
from dockyard.tools.target import Target
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


def test_programs_go_to_the_cluster_and_the_namespace_of_the_project(tmp_path: Path) -> None:
    """Never to what the user happens to have chosen."""
    asked = []

    class Asked(FakeCluster):
        def target(self, namespace: str) -> Target:
            asked.append(namespace)
            return super().target(namespace)

    made = workspace(tmp_path, Asked())
    made.helm()
    made.kubectl()
    assert asked == ["todo", "todo"]


def test_state_is_a_folder_of_the_project(tmp_path: Path) -> None:
    """Which git ignores."""
    assert workspace(tmp_path).state == tmp_path / ".dockyard"
    ignored = (Path(__file__).parents[1] / ".gitignore").read_text(encoding="utf-8").splitlines()
    assert any(line.strip("/") == ".dockyard" for line in ignored)
