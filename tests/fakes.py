"""Stand-ins that several rooms' tests share: a clock that nobody waits for, a reader of events, programs that record.

Each is the smallest thing that keeps the promises of what it stands for; none starts a process.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from dockyard.clusters.protocol import Loaded
from dockyard.model.cluster import MinikubeCluster
from dockyard.model.errors import ToolFailedError
from dockyard.model.events import Event, Report
from dockyard.model.project import Project
from dockyard.tools.docker import FINGERPRINT, BuildOptions, Docker, ImageFacts, engine_silent
from dockyard.tools.helm import Helm, ReleaseFacts, RevisionFacts
from dockyard.tools.kubectl import Kubectl
from dockyard.tools.target import Target
from dockyard.workspace import Workspace


class FakeClock:
    """A clock whose sleep costs nothing."""

    def __init__(self) -> None:
        self._now = 0.0

    def now(self) -> float:
        """Return the seconds slept so far."""
        return self._now

    def sleep(self, seconds: float) -> None:
        """Let the time pass."""
        self._now += seconds


class Recorder:
    """A reader of events that keeps them."""

    def __init__(self) -> None:
        self.events: list[Event] = []

    def __call__(self, event: Event) -> None:
        """Keep an event."""
        self.events.append(event)

    @property
    def lasting(self) -> list[tuple[str, str]]:
        """Subject and stage of the events that no later one replaces."""
        return [(event.subject, event.stage) for event in self.events if not event.passing]

    @property
    def passing(self) -> list[str]:
        """The texts of the events that a later one replaces."""
        return [event.text for event in self.events if event.passing]


TARGET = Target(kubeconfig=Path("cluster.kubeconfig"), context="test")


TAG = "@TAG@"
"""Where a prepared chart has the tag of its image."""


class FakeHelm(Helm):
    """Helm whose cluster is a dict: it keeps the manifest of every revision.

    Attributes:
        calls: What it was asked to change, in order.
        revisions: By release, the history: number, status, tag and manifest.
        charts: By release, what `template` renders.
        refuses: By release, what Helm says instead of upgrading or rolling back.
    """

    def __init__(self, charts: Mapping[str, str] | None = None) -> None:
        super().__init__("helm", TARGET)
        self.calls: list[str] = []
        self.revisions: dict[str, list[tuple[RevisionFacts, str]]] = {}
        self.charts = dict(charts or {})
        self.refuses: dict[str, str] = {}
        self.values: dict[str, Mapping[str, Any]] = {}

    def record(self, release: str, manifest: str, *, status: str = "deployed", tag: str = "1.0.0") -> None:
        """Add a revision to a release's history; what was deployed before is then superseded."""
        there = self.revisions.setdefault(release, [])
        if status == "deployed":
            there[:] = [
                (_with_status(facts, "superseded") if facts.status == "deployed" else facts, text)
                for facts, text in there
            ]
        made = datetime(2026, 1, 1, tzinfo=UTC)
        there.append((RevisionFacts(len(there) + 1, made, status, tag, ""), manifest))

    def template(  # noqa: PLR0913 - the real one's signature
        self,
        release: str,
        chart: Path,  # noqa: ARG002 - the real one's signature, here and below
        values: Mapping[str, Any],
        *,
        files: Sequence[Path] = (),  # noqa: ARG002
        namespace: str = "default",  # noqa: ARG002
        kubernetes_version: str = "",  # noqa: ARG002
    ) -> str:
        """Return the manifest that was prepared for the release."""
        self.values[release] = values
        if release not in self.charts:
            raise ToolFailedError(["helm", "template"], 1, f"Error: no template for {release}")
        return self.charts[release].replace(TAG, values.get("image", {}).get("tag", ""))

    def package(self, chart: Path, folder: Path, *, app_version: str | None) -> Path:
        """Return where the archive would be."""
        self.calls.append(f"package {chart.name} {app_version}")
        return folder / f"{chart.name}.tgz"

    def upgrade(
        self,
        release: str,
        chart: Path,  # noqa: ARG002
        values: Mapping[str, Any],
        *,
        files: Sequence[Path] = (),  # noqa: ARG002
    ) -> None:
        """Make the prepared manifest the release's newest revision."""
        self._change(f"upgrade {release}", release)
        tag = values.get("image", {}).get("tag", "")
        self.record(release, self.charts[release].replace(TAG, tag), tag=tag)

    def rollback(self, release: str, revision: int) -> None:
        """Make an old revision the newest one again."""
        self._change(f"rollback {release} {revision}", release)
        facts, manifest = self.revisions[release][revision - 1]
        self.record(release, manifest, tag=facts.app_version)

    def uninstall(self, release: str) -> None:
        """Forget a release."""
        self._change(f"uninstall {release}", release)
        del self.revisions[release]

    def releases(self) -> tuple[ReleaseFacts, ...]:
        """Return the newest revision of each release."""
        newest = ((name, there[-1][0]) for name, there in self.revisions.items())
        return tuple(
            ReleaseFacts(name, facts.revision, facts.status, f"{name}-1.0.0", facts.app_version)
            for name, facts in newest
        )

    def history(self, release: str) -> tuple[RevisionFacts, ...]:
        """Return a release's revisions."""
        return tuple(facts for facts, _ in self.revisions.get(release, ()))

    def manifest(self, release: str, *, revision: int | None = None) -> str:
        """Return what was sent for a revision, the newest by default."""
        return self.revisions[release][-1 if revision is None else revision - 1][1]

    def _change(self, call: str, release: str) -> None:
        self.calls.append(call)
        if said := self.refuses.get(release):
            raise ToolFailedError(["helm", *call.split()], 1, said)


def _with_status(facts: RevisionFacts, status: str) -> RevisionFacts:
    return RevisionFacts(facts.revision, facts.updated, status, facts.app_version, facts.description)


class FakeKubectl(Kubectl):
    """kubectl that shows one look after the other, the last one again and again.

    Attributes:
        looks: What `get` returns, look by look.
        asked: The labels that were selected by.
    """

    def __init__(self, *looks: Sequence[Mapping[str, Any]]) -> None:
        super().__init__("kubectl", TARGET)
        self.looks = list(looks) or [()]
        self.asked: list[str] = []
        self.logged: list[tuple[str, bool]] = []
        self.lines: dict[tuple[str, bool], str] = {}

    def get(self, *kinds: str, selector: str = "") -> tuple[Mapping[str, Any], ...]:
        """Return the next look, cut to the kinds that were asked for."""
        self.asked.append(selector)
        look = self.looks.pop(0) if len(self.looks) > 1 else self.looks[0]
        return tuple(entry for entry in look if _plural(entry["kind"]) in kinds)

    def logs(self, pod: str, *, tail: int, previous: bool = False) -> str:  # noqa: ARG002 - the real one's signature
        """Return the lines that were prepared."""
        self.logged.append((pod, previous))
        return self.lines.get((pod, previous), "")


def _plural(kind: str) -> str:
    return kind.lower() if kind.endswith("s") else f"{kind.lower()}s"


class FakeCluster:
    """A cluster that holds images by name and never starts anything.

    Attributes:
        calls: What it was asked to do.
        held: The images in its node.
    """

    name = "test"

    def __init__(self, *, running: bool = True) -> None:
        self.calls: list[str] = []
        self.held: dict[str, str] = {}
        self.running = running

    def status(self) -> MinikubeCluster | None:
        """Return that it runs, or None."""
        return MinikubeCluster(kubernetes_version="v1.20.2", status="Running") if self.running else None

    def start(self, report: Report) -> None:
        """Run."""
        self.calls.append("start")
        self.running = True
        report(Event("cluster", "Ready", "test"))

    def stop(self, report: Report) -> None:
        """Stop."""
        self.calls.append("stop")
        self.running = False
        report(Event("cluster", "Stopped", "test"))

    def delete(self, report: Report) -> None:
        """Go away."""
        self.calls.append("delete")
        report(Event("cluster", "Deleted", "test"))

    def target(self, namespace: str) -> Target:
        """Return where nothing is."""
        return Target(kubeconfig=TARGET.kubeconfig, context=TARGET.context, namespace=namespace)

    def address(self, node_port: int) -> str:
        """Return the NodePort on this machine."""
        return f"127.0.0.1:{node_port}"

    def images(self) -> Mapping[str, str]:
        """Return the images in the node."""
        return self.held

    def load(self, reference: str, report: Report) -> Loaded:  # noqa: ARG002 - the real one's signature
        """Hold an image, and say how much of it was sent."""
        sent = 0 if reference in self.held else 3_000_000
        self.held[reference] = f"sha256:{reference}"
        self.calls.append(f"load {reference} {sent}")
        return Loaded(reference, self.held[reference], sent)

    def remove_images(self, references: tuple[str, ...]) -> None:
        """Forget images."""
        for reference in references:
            del self.held[reference]


class FakeDocker(Docker):
    """An engine that holds images and containers by name.

    Attributes:
        held: The images.
        silent: Whether the engine does not answer.
        root: The folder that it keeps images in.
        built: What it was told to build, and from which context.
        failure: What BuildKit says where builds fail.
    """

    def __init__(self, *references: str) -> None:
        self.held = {
            name: ImageFacts(f"sha256:{name}", (name,), 3_000_000, (), {FINGERPRINT: name}) for name in references
        }
        self.silent = False
        self.root = Path("/nowhere")
        self.built: list[tuple[Path, BuildOptions]] = []
        self.failure = ""

    def version(self) -> str:
        """Return a version, where the engine answers."""
        if self.silent:
            raise engine_silent("Cannot connect to the Docker daemon")
        return "20.10"

    def data_root(self) -> Path:
        """Return the folder of images."""
        return self.root

    def image(self, reference: str) -> ImageFacts | None:
        """Return the image of that name."""
        return self.held.get(reference)

    def images_named(self, references: Sequence[str]) -> tuple[ImageFacts, ...]:
        """Return those of that name."""
        return tuple(self.held[name] for name in references if name in self.held)

    def build(self, context: Path, options: BuildOptions, *, on_line: Callable[[str], None]) -> None:
        """Hold the image."""
        self.built.append((context, options))
        on_line("#5 [1/9] FROM base")
        if self.failure:
            raise ToolFailedError(["docker", "build"], 1, self.failure)
        for tag in options.tags:
            self.held[tag] = ImageFacts(f"sha256:{tag}", (tag,), 3_000_000, (), options.labels)


@dataclass(frozen=True, kw_only=True)
class FakeWorkspace(Workspace):
    """A workspace whose programs and cluster are stand-ins."""

    docker: FakeDocker
    cluster: FakeCluster
    fake_helm: FakeHelm
    fake_kubectl: FakeKubectl

    def helm(self) -> FakeHelm:
        """Return the stand-in."""
        return self.fake_helm

    def kubectl(self) -> FakeKubectl:
        """Return the stand-in."""
        return self.fake_kubectl


def fake_workspace(  # noqa: PLR0913 - each is one part of it
    root: Path,
    project: Mapping[str, Any],
    *,
    docker: FakeDocker | None = None,
    helm: FakeHelm | None = None,
    kubectl: FakeKubectl | None = None,
    secrets: Mapping[str, str] | None = None,
) -> FakeWorkspace:
    """Return a workspace of what dockyard.yaml would say."""
    return FakeWorkspace(
        root=root,
        project=Project.model_validate({"name": "test", **project}),
        docker=docker or FakeDocker(),
        cluster=FakeCluster(),
        programs={"helm": Path("helm"), "kubectl": Path("kubectl")},
        clock=FakeClock(),
        ca_bundle=None,
        secrets=secrets or {},
        fake_helm=helm or FakeHelm(),
        fake_kubectl=kubectl or FakeKubectl(),
    )
