"""Which cluster a project runs on."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from dockyard.clusters.embedded import EmbeddedCluster
from dockyard.clusters.minikube import Minikube
from dockyard.clusters.protocol import Cluster
from dockyard.clusters.provider import choose
from dockyard.model.errors import ConfigError
from dockyard.model.project import Project
from tests.fakes import FakeClock, FakeDocker


def chosen(root: Path, **cluster: Any) -> Cluster:  # noqa: ANN401 - whatever dockyard.yaml may hold
    """Return the cluster of a project."""
    return choose(
        Project.model_validate({"name": "test", "cluster": cluster}),
        root=root,
        docker=FakeDocker(),
        clock=FakeClock(),
        programs={"kubectl": Path("kubectl")},
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
