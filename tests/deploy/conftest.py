"""A project of three releases on stand-ins: only the programs, the engine and the cluster are not the real ones."""

from __future__ import annotations

import copy
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from dockyard.deploy import pipeline
from dockyard.deploy.builds import ImageBuilds
from dockyard.deploy.observe import image_names, observe
from dockyard.deploy.options import Options
from dockyard.deploy.plan import Facts
from dockyard.model.cluster import EMBEDDED_KUBERNETES
from dockyard.model.events import Report, Step
from dockyard.releases.lock import NAME, Locking, holding
from dockyard.releases.records import ReleaseRecord, read_records
from dockyard.releases.rollout import Deployed, Policy
from dockyard.releases.site import Site
from dockyard.tools.identity import Identity
from dockyard.workspace import Workspace
from tests.fakes import TAG, FakeDocker, FakeWorkspace, Recorder, fake_workspace, rendered

BASE = "python:3.13-slim"
NAMES = ("api", "web", "mail")
"""`web` needs `api`; `mail` needs nothing."""

PROJECT: Mapping[str, Any] = {
    "images": {
        f"{name}-image": {"baseImage": BASE, "buildContext": f"{name}-image", "dockerfile": f"{name}.Dockerfile"}
        for name in NAMES
    },
    "releases": {
        "api": {"chart": "helm/api", "image": "api-image", "timeout": 30},
        "web": {"chart": "helm/web", "image": "web-image", "needs": ["api"], "secrets": ["KEY"], "timeout": 30},
        "mail": {"chart": "helm/mail", "image": "mail-image", "timeout": 30},
    },
}

SECRET = "hunter2"  # noqa: S105 - of nobody

NOON = datetime(2026, 1, 1, 12, tzinfo=UTC)
ME = Identity("ann", "here", 7, "", "", "inv deploy")


def looked(workspace: Workspace, names: tuple[str, ...], site: Site | None) -> Facts:
    """Return what is known of releases, with what their images are made from looked up."""
    return observe(workspace, names, site, ImageBuilds.look(workspace, image_names(workspace, names)).seen.values())


@dataclass
class Deploying:
    """Deploys of one workspace.

    Attributes:
        workspace: The workspace.
        report: What was told by the last deploy.
        gated: Who was asked about by the gate, and with which images.
        alive: Whether the lock's holder lives.
    """

    workspace: FakeWorkspace
    report: Recorder = field(default_factory=Recorder)
    gated: list[tuple[tuple[str, ...], dict[str, str]]] = field(default_factory=list)
    alive: bool | None = None

    def __call__(
        self, *names: str, jobs: int = 4, policy: Policy | None = None, wait_lock: float = 0.0
    ) -> dict[str, Deployed]:
        """Deploy, and forget what was done before; return what releases came to by name."""
        self.forget()
        how = self.options(jobs=jobs, policy=policy, wait_lock=wait_lock)
        done = pipeline.deploy(self.workspace, names or NAMES, self.report, how, gate=self.gate)
        return {entry.release: entry for entry in done}

    def options(self, *, jobs: int = 4, policy: Policy | None = None, wait_lock: float = 0.0) -> Options:
        """Return how a deploy is done."""
        return Options(
            who=ME,
            wall=lambda: NOON,
            jobs=jobs,
            policy=policy or Policy(),
            wait_lock=wait_lock,
            alive=lambda _: self.alive,
        )

    def gate(
        self,
        workspace: Workspace,
        names: tuple[str, ...],
        references: Mapping[str, str],
        report: Report,  # noqa: ARG002 - as a gate is called
        *,
        kubernetes_version: str,
    ) -> None:
        """Refuse nothing."""
        assert kubernetes_version == EMBEDDED_KUBERNETES
        assert workspace.secrets == self.workspace.secrets
        self.gated.append((names, dict(references)))

    def forget(self) -> None:
        """Forget what was done and told so far."""
        for calls in (self.workspace.fake_helm.calls, self.workspace.cluster.calls, self.workspace.docker.built):
            calls.clear()
        self.workspace.fake_api.changes.clear()
        self.report, self.gated = Recorder(), []

    @property
    def changes(self) -> list[str]:
        """What Helm changed."""
        return [call for call in self.workspace.fake_helm.calls if not call.startswith("package")]

    @property
    def built(self) -> list[str]:
        """The build contexts of what was built."""
        return [context.name for context, _ in self.workspace.docker.built]

    @property
    def loaded(self) -> list[str]:
        """The names of the images that were loaded."""
        calls = [call.split()[1] for call in self.workspace.cluster.calls if call.startswith("load ")]
        return [reference.partition(":")[0] for reference in calls]

    @property
    def records(self) -> dict[str, ReleaseRecord]:
        """What the cluster remembers of releases."""
        return read_records(self.workspace.fake_api)

    @property
    def is_locked(self) -> bool:
        """Whether the lock is held."""
        return ("Lease", "dockyard") in self.workspace.fake_api.objects

    def steps(self) -> list[tuple[str, str, bool, bool]]:
        """Return service, step, whether it ended and how, of each that was told."""
        told = [event for event in self.report.events if isinstance(event, Step)]
        return [(event.service, event.step, event.ended, event.ok) for event in told]

    def change(self, name: str, text: str = "print(2)\n") -> None:
        """Change the sources of a release's image."""
        (self.workspace.root / f"{name}-image" / "main.py").write_text(text, encoding="utf-8")

    def configure(self, name: str, **config: str) -> None:
        """Change what a release's chart renders to: its ConfigMap."""
        self.workspace.fake_helm.charts[name] = chart(name, config=config)

    def held_by(self, other: Identity) -> None:
        """Have somebody else hold the lock, renewed just now."""
        api = self.workspace.fake_api
        how = Locking(clock=self.workspace.clock, wall=lambda: NOON, is_alive=lambda _: None)
        with holding(api, other, how, namespace=api.namespace, report=Recorder()):
            lease = copy.deepcopy(api.objects["Lease", NAME])
        api.put(lease)


def chart(name: str, *, node_port: int = 0, config: Mapping[str, str] | None = None) -> str:
    """Return what the chart of a release renders to."""
    return rendered(name, image=f"{name}-image:{TAG}", node_port=node_port, config=config)


@pytest.fixture
def workspace(tmp_path: Path) -> FakeWorkspace:
    """A project of three releases, nothing of it built or installed; what is sent becomes Ready."""
    for name in NAMES:
        (tmp_path / f"{name}-image").mkdir()
        (tmp_path / f"{name}-image" / "main.py").write_text("print(1)\n", encoding="utf-8")
        (tmp_path / f"{name}.Dockerfile").write_text("FROM scratch\n", encoding="utf-8")
        (tmp_path / "helm" / name).mkdir(parents=True)
        (tmp_path / "helm" / name / "Chart.yaml").touch()
    charts = {name: chart(name) for name in NAMES}
    return fake_workspace(tmp_path, PROJECT, docker=FakeDocker(BASE), charts=charts, secrets={"KEY": SECRET})


@pytest.fixture
def deploying(workspace: FakeWorkspace) -> Deploying:
    """Return what deploys that project."""
    return Deploying(workspace)


@pytest.fixture
def deployed(deploying: Deploying) -> Deploying:
    """The same, deployed once."""
    deploying()
    deploying.forget()
    return deploying
