"""Which cluster a project runs on."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from dockyard.clusters.embedded import EmbeddedCluster
from dockyard.clusters.minikube import Minikube
from dockyard.clusters.node_image import STEP
from dockyard.clusters.protocol import Cluster
from dockyard.clusters.provider import choose, embedded_settings, last_build
from dockyard.journal import Journal
from dockyard.model.errors import ConfigError
from dockyard.model.events import Stamped, Step
from dockyard.model.project import Project
from tests.fakes import FakeClock, FakeDocker


def chosen(root: Path, **cluster: Any) -> Cluster:  # noqa: ANN401 - whatever dockyard.yaml may hold
    """Return the cluster of a project."""
    return choose(
        Project.model_validate({"name": "test", "cluster": cluster}),
        root=root,
        docker=FakeDocker(),
        clock=FakeClock(),
        ca_bundle=None,
    )


@pytest.mark.parametrize(("installed", "kind"), [(True, Minikube), (False, EmbeddedCluster)])
def test_auto_takes_minikube_where_it_is_installed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, *, installed: bool, kind: type
) -> None:
    """Looked up on PATH, never started."""
    program = tmp_path / "minikube"
    program.touch(mode=0o755 if installed else 0o644)
    monkeypatch.setenv("PATH", str(tmp_path))
    assert type(chosen(tmp_path)) is kind


@pytest.mark.parametrize(("provider", "kind"), [("minikube", Minikube), ("embedded", EmbeddedCluster)])
@pytest.mark.parametrize("installed", [True, False])
def test_a_named_provider_is_taken_whatever_is_installed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, *, provider: str, kind: type, installed: bool
) -> None:
    """Who names one wants that one."""
    if installed:
        (tmp_path / "minikube").touch(mode=0o755)
    monkeypatch.setenv("PATH", str(tmp_path))
    assert type(chosen(tmp_path, provider=provider)) is kind


def test_a_provider_that_is_not_there_yet_is_told(tmp_path: Path) -> None:
    """The model knows it, this version cannot do it."""
    with pytest.raises(ConfigError, match=r"cluster\.provider is 'context'"):
        chosen(tmp_path, provider="context", context="work")


def test_choosing_touches_nothing(tmp_path: Path) -> None:
    """`status` on a fresh checkout leaves no folder behind."""
    chosen(tmp_path, provider="embedded")
    chosen(tmp_path, provider="minikube")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("provider", ["minikube", "embedded"])
def test_a_cluster_is_called_as_the_project_says(tmp_path: Path, provider: str) -> None:
    """Two checkouts, or a trial beside the daily one, need two clusters."""
    suffix = "-node" if provider == "embedded" else ""
    assert chosen(tmp_path, provider=provider).name == f"dockyard{suffix}"
    assert chosen(tmp_path, provider=provider, name="trial").name == f"trial{suffix}"


def test_only_the_default_cluster_has_fixed_ports(tmp_path: Path) -> None:
    """Ports that people remember can be had once; another cluster takes free ones."""
    usual, other = embedded_settings("dockyard", tmp_path), embedded_settings("trial", tmp_path)
    assert (usual.api_port, usual.publish_from) == (16443, 30080)
    assert (other.api_port, other.publish_from) == (0, 0)
    assert other.node_ports == usual.node_ports


@pytest.mark.parametrize("version", ["v1.36.3", "1.36.3", None])
@pytest.mark.parametrize("provider", ["embedded", "auto"])
def test_the_embedded_cluster_has_one_version(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, provider: str, version: str | None
) -> None:
    """With or without its leading v; without any it is meant too."""
    monkeypatch.setenv("PATH", str(tmp_path))
    assert chosen(tmp_path, provider=provider, kubernetesVersion=version).provider == "embedded"


@pytest.mark.parametrize("version", ["v1.36.2", "1.34.4", "v1.36.3-rc.1", "v1.36.3+k3s1"])
@pytest.mark.parametrize(("provider", "chosen_by"), [("embedded", ""), ("auto", "; `provider: auto` selects it")])
def test_another_version_of_the_embedded_cluster_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, provider: str, chosen_by: str, version: str
) -> None:
    """The error names the supported one, and why the embedded cluster is used at all."""
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(ConfigError) as caught:
        chosen(tmp_path, provider=provider, kubernetesVersion=version)
    assert caught.value.what == f"cluster.kubernetesVersion is v{version.removeprefix('v')}"
    assert caught.value.why.startswith(f"The embedded cluster runs Kubernetes v1.36.3 only{chosen_by}")
    assert "Write v1.36.3" in caught.value.fix


def test_minikube_may_have_any_version(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Named, or chosen because it is installed."""
    (tmp_path / "minikube").touch(mode=0o755)
    monkeypatch.setenv("PATH", str(tmp_path))
    for provider in ("auto", "minikube"):
        made = chosen(tmp_path, provider=provider, kubernetesVersion="1.28.3", addons=["ingress"])
        assert made.provider == "minikube"


@pytest.mark.parametrize("addons", [[], ["metrics-server"], ["storage-provisioner", "default-storageclass"]])
def test_the_embedded_cluster_has_some_addons(tmp_path: Path, addons: list[str]) -> None:
    """They are always enabled, so naming one changes nothing."""
    assert chosen(tmp_path, provider="embedded", addons=addons).provider == "embedded"


def test_an_addon_that_the_embedded_cluster_lacks_is_refused(tmp_path: Path) -> None:
    """The error lists those that it has; all that are missing are told at once."""
    with pytest.raises(ConfigError) as caught:
        chosen(tmp_path, provider="embedded", addons=["ingress", "metrics-server", "registry"])
    assert caught.value.what == "cluster.addons has ingress, registry"
    assert "default-storageclass, metrics-server, storage-provisioner (always enabled)" in caught.value.why


def test_the_last_build_of_the_node_image_is_read_from_the_journal(tmp_path: Path) -> None:
    """Builds that failed, and other steps, say nothing about how long the next one takes."""
    path = tmp_path / "journal.jsonl"
    journal = Journal(path)
    at = datetime(2026, 1, 1, tzinfo=UTC)
    for run, step, seconds, ok in (("a", STEP, 300.0, True), ("b", STEP, 252.5, True), ("c", "load", 9.0, True)):
        for elapsed, ended in ((1.0, False), (1.0 + seconds, True)):
            event = Step("cluster", "Building", step=step, ended=ended, ok=ok)
            journal(Stamped(run, event, at + timedelta(seconds=elapsed), elapsed))
    journal(Stamped("d", Step("cluster", "Building", step=STEP), at, 0.0))
    journal(Stamped("d", Step("cluster", "Failed", step=STEP, ended=True, ok=False), at, 7.0))
    assert last_build(path) == 252.5


@pytest.mark.parametrize("kind", ["absent", "a folder"])
def test_without_a_journal_no_build_is_known(tmp_path: Path, kind: str) -> None:
    """It is only for people to know how long they have to wait, and no reason to fail."""
    path = tmp_path / "journal.jsonl"
    if kind == "a folder":
        path.mkdir()
    assert last_build(path) is None
