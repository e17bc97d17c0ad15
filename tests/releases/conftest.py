"""One release on stand-ins: only Helm, the engine and the cluster are not the real ones."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from dockyard.charts.manifests import Manifests
from dockyard.charts.render import Rendered
from dockyard.model.lifecycle import DeploymentState
from dockyard.releases.life import Life
from dockyard.releases.live import View
from dockyard.releases.plan import ReleaseAction, ReleaseSeen, plan_release
from dockyard.releases.records import ReleaseRecord, Revision, mark_good, read_records
from dockyard.releases.rollout import Deployed, Policy, Rollout
from dockyard.releases.site import Site
from tests.fakes import FakeApi, FakeClock, FakeHelm, FakeWorkspace, Recorder, fake_workspace, rendered

IMAGE = {"baseImage": "python:3.13-slim", "buildContext": "web", "dockerfile": "web/Dockerfile"}
PROJECT: Mapping[str, Any] = {
    "images": {"web": IMAGE},
    "releases": {
        "web": {"chart": "helm/web", "image": "web", "timeout": 30, "grace": 5},
        "api": {"chart": "helm/api", "timeout": 30},
    },
}
CHART = rendered("web")


class Work:
    """Work on the release `web`.

    Attributes:
        workspace: What it is done with.
        site: The cluster.
        report: Who is told.
    """

    def __init__(self, root: Path) -> None:
        self.workspace: FakeWorkspace = fake_workspace(root, PROJECT, charts={"web": CHART, "api": rendered("api")})
        self.site = Site(
            self.workspace,
            self.workspace.fake_helm,
            self.workspace.fake_api,
            View(self.workspace.fake_api, self.workspace.clock),
        )
        self.report = Recorder()

    @property
    def api(self) -> FakeApi:
        """The API server."""
        return self.workspace.fake_api

    @property
    def helm(self) -> FakeHelm:
        """Helm."""
        return self.workspace.fake_helm

    @property
    def clock(self) -> FakeClock:
        """The clock."""
        return self.workspace.clock

    @property
    def record(self) -> ReleaseRecord | None:
        """What the cluster remembers of the release."""
        return read_records(self.api).get("web")

    @property
    def history(self) -> list[tuple[int, str]]:
        """Number and status of each revision."""
        return [(entry.number, entry.status) for entry in self.helm.kept("web")]

    @property
    def good(self) -> set[int]:
        """Numbers of the revisions that are remembered as good."""
        return set(self.record.good) if self.record else set()

    @property
    def stages(self) -> list[str]:
        """The stages of what was told and stays."""
        return [stage for _, stage in self.report.lasting]

    def deployed(self, tag: str, *, good: bool = True, held: bool = True, status: str = "deployed") -> Revision:
        """Have a revision that was deployed, with its image in the node."""
        made = self.helm.record("web", CHART.replace("@TAG@", tag), tag=tag, status=status)
        if status == "deployed":
            self.api.apply(made.manifests)
        if good:
            mark_good(self.api, made)
        if held:
            self.workspace.cluster.held[f"web:{tag}"] = f"sha256:web:{tag}"
        return made

    def chart(self, tag: str) -> Rendered:
        """Return the chart with a tag of the image."""
        text = self.helm.charts["web"].replace("@TAG@", tag)
        return Rendered(
            release="web",
            tag=tag,
            archive=Path("web.tgz"),
            values={"image": {"repository": "web", "tag": tag}},
            files=(),
            manifests=Manifests.parse(text),
        )

    def plan(self, tag: str) -> ReleaseAction:
        """Return what a plan would do to have that tag."""
        chart, record = self.chart(tag), self.record
        live = self.site.view.look().verdict(record.newest.manifests) if record else None
        return plan_release(ReleaseSeen("web", chart.manifests, tag, record, live))

    def bring(self, tag: str, **policy: bool) -> Deployed:
        """Bring the release to that tag, as planned."""
        action = self.plan(tag)
        return self.rollout(action.state).bring(action, self.chart(tag), Policy(**policy))

    def rollout(self, state: DeploymentState = DeploymentState.READY) -> Rollout:
        """Return work on the release, which is in a state."""
        if state is DeploymentState.BUILDING:  # its image is made by now
            state = DeploymentState.LOADING
        return Rollout(self.site, self.workspace.project.release("web"), self.life(state), self.report)

    def life(self, state: DeploymentState = DeploymentState.READY) -> Life:
        """Return the service."""
        return Life("web", state, self.report)


@pytest.fixture
def work(tmp_path: Path) -> Work:
    """The work, on a cluster without releases."""
    return Work(tmp_path)
