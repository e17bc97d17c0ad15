"""The pipeline, with stand-ins for the engine, Helm and the cluster; everything between them is the real one."""

from __future__ import annotations

from pathlib import Path

import pytest

from dockyard import deploy
from dockyard.model.errors import BuildError, RolloutError
from dockyard.releases.plan import Verb
from dockyard.releases.workload import Object
from dockyard.tools.http import Answer
from tests.fakes import TAG, FakeDocker, FakeHelm, FakeKubectl, FakeWorkspace, Recorder, fake_workspace
from tests.releases.objects import deployment, pod, replica_set, runs, text, waits

BASE = "python:3.13-slim"
NAMES = ("api", "web")
PROJECT = {
    "images": {
        name: {"baseImage": BASE, "buildContext": name, "dockerfile": f"{name}.Dockerfile"}
        for name in ("web-image", "api-image")
    },
    "releases": {
        "web": {"chart": "helm/web", "image": "web-image", "needs": ["api"], "secrets": ["KEY"], "timeout": 30},
        "api": {"chart": "helm/api", "image": "api-image", "timeout": 30},
    },
}
READY: list[Object] = [
    entry
    for name in NAMES
    for entry in (deployment(name), replica_set(of=name), pod(f"{name}-a", runs(), owner=f"uid-{name}-2"))
]


@pytest.fixture
def workspace(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> FakeWorkspace:
    """A project of two releases, nothing of it built or installed; what is sent becomes Ready."""
    for name in NAMES:
        (tmp_path / f"{name}-image").mkdir()
        (tmp_path / f"{name}-image" / "main.py").write_text("print(1)\n", encoding="utf-8")
        (tmp_path / f"{name}-image.Dockerfile").write_text("FROM scratch\n", encoding="utf-8")
        (tmp_path / "helm" / name).mkdir(parents=True)
        (tmp_path / "helm" / name / "Chart.yaml").touch()
    helm = FakeHelm({name: text(deployment(name, image=f"{name}-image:{TAG}")) for name in NAMES})
    monkeypatch.setattr(deploy, "Helm", lambda _program: helm)
    project = fake_workspace(
        tmp_path,
        PROJECT,
        docker=FakeDocker(BASE),
        helm=helm,
        kubectl=FakeKubectl(READY),
        secrets={"KEY": "value", "OTHER": "x"},
    )
    helm.calls.clear()
    return project


def open_gate(*_: object) -> None:
    """Refuse nothing."""


def bring(workspace: FakeWorkspace, *names: str) -> tuple[deploy.Deployed, ...]:
    """Deploy, and forget what was done before."""
    workspace.fake_helm.calls.clear()
    workspace.cluster.calls.clear()
    workspace.docker.built.clear()
    return deploy.deploy(workspace, names or NAMES, Recorder(), gate=open_gate)


def changes(workspace: FakeWorkspace) -> list[str]:
    """Return what Helm changed."""
    return [call for call in workspace.fake_helm.calls if not call.startswith("package")]


def test_a_first_deploy_builds_loads_and_sends_in_order(workspace: FakeWorkspace) -> None:
    """Images first, all in the node before a pod asks for one; a release is Ready before the next is sent."""
    report = Recorder()
    done = deploy.deploy(workspace, NAMES, report, gate=open_gate)
    assert report.lasting == [
        ("api-image", "Building"),
        ("api-image", "Built"),
        ("web-image", "Building"),
        ("web-image", "Built"),
        ("api-image", "Loaded"),
        ("web-image", "Loaded"),
        ("api", "Installing"),
        ("api", "Ready"),
        ("web", "Installing"),
        ("web", "Ready"),
    ]
    assert [(entry.action.verb, entry.revision) for entry in done] == [(Verb.INSTALL, 1), (Verb.INSTALL, 1)]


def test_a_second_deploy_does_nothing(workspace: FakeWorkspace) -> None:
    """No build, no byte to the node, no revision, and it says so of each."""
    bring(workspace)
    report = Recorder()
    workspace.fake_helm.calls.clear()
    workspace.docker.built.clear()
    done = deploy.deploy(workspace, NAMES, report, gate=open_gate)
    assert {stage for _, stage in report.lasting} == {"Unchanged"}
    assert [(entry.action.verb, entry.revision) for entry in done] == [(Verb.NOTHING, 1), (Verb.NOTHING, 1)]
    assert (workspace.docker.built, changes(workspace)) == ([], [])


def test_one_changed_source_touches_one_service(workspace: FakeWorkspace) -> None:
    """The other image is not built, the other release is not sent."""
    bring(workspace)
    (workspace.root / "web-image" / "main.py").write_text("print(2)\n", encoding="utf-8")
    api, web = bring(workspace)
    assert [context.name for context, _ in workspace.docker.built] == ["web-image"]
    assert changes(workspace) == ["upgrade web"]
    assert (api.action.verb, web.action.verb, web.revision) == (Verb.NOTHING, Verb.UPGRADE, 2)
    assert web.action.reason.startswith("image tag ")
    assert [call.rpartition(" ")[2] for call in workspace.cluster.calls] == ["0", "3000000"]


def test_only_the_named_releases_are_touched(workspace: FakeWorkspace) -> None:
    """Their images alone are built."""
    bring(workspace, "api")
    assert changes(workspace) == ["upgrade api"]
    assert [context.name for context, _ in workspace.docker.built] == ["api-image"]


def test_a_release_that_fails_stops_the_rest(workspace: FakeWorkspace) -> None:
    """What needs it is not sent; what was done before stays."""
    unready = deployment("api", readyReplicas=0, availableReplicas=0)
    broken = pod("api-a", waits("ErrImageNeverPull", "not present"), owner="uid-api-2")
    workspace.fake_kubectl.looks = [[unready, replica_set(of="api"), broken]]
    with pytest.raises(RolloutError, match="Release api failed"):
        bring(workspace)
    assert changes(workspace) == ["upgrade api"]


def test_a_release_waits_for_its_own_limit(workspace: FakeWorkspace) -> None:
    """`timeout` of dockyard.yaml."""
    unready = deployment("api", readyReplicas=0, availableReplicas=0)
    workspace.fake_kubectl.looks = [[unready]]
    with pytest.raises(RolloutError, match="Release api was not Ready within 30 s"):
        bring(workspace)


def test_a_chart_that_does_not_render_is_told_before_any_release_is_sent(workspace: FakeWorkspace) -> None:
    """The last chart of the row is looked at before the first is sent."""
    del workspace.fake_helm.charts["web"]
    with pytest.raises(BuildError, match="The chart of release web does not render"):
        bring(workspace)
    assert changes(workspace) == []


def test_a_build_that_fails_touches_nothing(workspace: FakeWorkspace) -> None:
    """Neither the node nor a release."""
    workspace.docker.failure = "ERROR: process did not complete"
    with pytest.raises(BuildError, match="could not be built"):
        bring(workspace)
    assert (workspace.cluster.calls, workspace.fake_helm.calls) == ([], [])


def test_what_is_unchanged_and_not_ready_is_waited_for(workspace: FakeWorkspace) -> None:
    """An earlier deploy may still be on its way; sending it again would only make a revision."""
    bring(workspace)
    workspace.fake_kubectl.looks = [[deployment("api", readyReplicas=0, availableReplicas=0)], READY]
    api, _ = bring(workspace)
    assert (api.action.verb, changes(workspace)) == (Verb.WATCH, [])


def test_a_release_that_a_killed_deploy_left_is_recovered(workspace: FakeWorkspace) -> None:
    """The next deploy is never trapped."""
    bring(workspace)
    workspace.fake_helm.record("api", "", status="pending-upgrade")
    api, _ = bring(workspace)
    assert changes(workspace) == ["rollback api 1", "upgrade api"]
    assert api.action.verb is Verb.RECOVER


def test_secrets_go_to_the_releases_that_name_them(workspace: FakeWorkspace) -> None:
    """And no other value goes anywhere."""
    bring(workspace)
    assert workspace.fake_helm.values["web"]["secrets"] == {"KEY": "value"}
    assert "secrets" not in workspace.fake_helm.values["api"]


def test_a_deploy_ends_by_asking_the_services(workspace: FakeWorkspace, monkeypatch: pytest.MonkeyPatch) -> None:
    """Also where nothing was changed: unchanged is not the same as serving."""
    asked: list[object] = []

    def record(_cluster: object, manifests: object, _paths: object, **_options: object) -> tuple[Answer, ...]:
        asked.append(manifests)
        return ()

    monkeypatch.setattr(deploy, "verify", record)
    bring(workspace)
    bring(workspace)
    assert len(asked) == 4


def test_releases_are_removed_in_the_other_order(workspace: FakeWorkspace) -> None:
    """What needs another goes first."""
    bring(workspace)
    workspace.fake_helm.calls.clear()
    report = Recorder()
    deploy.destroy(workspace, NAMES, report)
    assert changes(workspace) == ["uninstall web", "uninstall api"]
    assert report.lasting == [("web", "Removed"), ("api", "Removed")]
    assert workspace.fake_helm.releases() == ()


def test_removing_what_is_not_there_is_no_mistake(workspace: FakeWorkspace) -> None:
    """It says so."""
    report = Recorder()
    deploy.destroy(workspace, NAMES, report)
    assert report.lasting == [("web", "Absent"), ("api", "Absent")]


def test_only_the_named_release_is_removed(workspace: FakeWorkspace) -> None:
    """The others go on serving."""
    bring(workspace)
    deploy.destroy(workspace, ("web",), Recorder())
    assert [release.name for release in workspace.fake_helm.releases()] == ["api"]


def test_a_release_that_helm_cannot_remove_is_told(workspace: FakeWorkspace) -> None:
    """With Helm's words."""
    bring(workspace)
    workspace.fake_helm.refuses["web"] = "Error: timed out waiting for the condition\n"
    with pytest.raises(RolloutError) as caught:
        deploy.destroy(workspace, NAMES, Recorder())
    assert str(caught.value) == "Release web could not be removed. Error: timed out waiting for the condition."
