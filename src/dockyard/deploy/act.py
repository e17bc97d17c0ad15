"""Carry a plan out: check, deliver images, send releases, verify. Nothing is decided here."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Protocol

from dockyard.model.events import REVISION, Event, Progress
from dockyard.model.lifecycle import DeploymentState
from dockyard.releases.life import Life
from dockyard.releases.plan import SENDING, Verb
from dockyard.releases.rollout import Deployed, Policy, Rollout
from dockyard.releases.verify import verify

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from dockyard.deploy.plan import Facts, Plan
    from dockyard.images.plan import ImageAction
    from dockyard.model.events import Report
    from dockyard.releases.plan import ReleaseAction
    from dockyard.releases.site import Site
    from dockyard.workspace import Workspace

MEGABYTE = 1_000_000

UNSENT = frozenset({DeploymentState.BUILDING, DeploymentState.LOADING})
"""States in which nothing of a release is in the cluster yet: it fails with its image."""


class Gate(Protocol):
    """Who may refuse what is to be sent."""

    def __call__(
        self,
        workspace: Workspace,
        names: tuple[str, ...],
        references: Mapping[str, str],
        report: Report,
        *,
        kubernetes_version: str,
    ) -> None:
        """Refuse by raising; ``references`` are `name:tag` of the images, by name."""


@dataclass(slots=True)
class Act:
    """A plan while it is carried out; its methods are called in the order that the plan's dependencies allow.

    Attributes:
        site: The cluster.
        facts: What the plan was made from.
        plan: What is done.
        report: Receives events.
        policy: What is done about releases that fail.
        gate: Called before anything is sent to the cluster; it refuses by raising.
        done: What became of each release.
    """

    site: Site
    facts: Facts
    plan: Plan
    report: Report
    policy: Policy
    gate: Gate
    done: dict[str, Deployed] = field(default_factory=dict)
    _lives: dict[str, Life] = field(default_factory=dict)
    _begun: set[str] = field(default_factory=set)

    def begin(self) -> None:
        """Report in what state each release is."""
        self._lives = {
            action.release: Life(action.release, action.state, self.report, action.reason)
            for action in self.plan.releases
        }

    def results(self) -> tuple[Deployed, ...]:
        """Return what became of the releases, in order."""
        return tuple(self.done[action.release] for action in self.plan.releases)

    def states(self) -> tuple[str, ...]:
        """Return in words how each release is."""
        return tuple(f"{action.release} {self._how(action)}" for action in self.plan.releases)

    def fail(self, image: str, what: str) -> None:
        """Let releases that are to be installed fail with their image; one that is there serves as before."""
        for life in self._lives_of(image):
            if life.state in UNSENT:
                life.to(DeploymentState.FAILED, what)

    def loads(self, image: str) -> bool:
        """Whether an image is loaded into the node."""
        return self._image(image).load

    def changes(self, release: str) -> bool:
        """Whether anything is done to a release."""
        return self._release(release).changes

    def check(self) -> None:
        """Check what is sent, before anything is.

        Raises:
            RefusedError: It would not work.
        """
        if not self.plan.sent:
            return
        references = {image.name: image.reference for image in self.plan.images}
        version = self.facts.kubernetes_version
        self.gate(self.site.workspace, self.plan.sent, references, self.report, kubernetes_version=version)

    def load(self, image: str, report: Report) -> None:
        """Load an image into the node."""
        action = self._image(image)
        for life in self._lives_of(image):
            if life.state is DeploymentState.BUILDING:
                life.to(DeploymentState.LOADING, action.reference)
        load(self.site.workspace, action.reference, report)

    def bring(self, release: str) -> str:
        """Send a release, or wait for one, until it serves; return its revision in words."""
        action = self._release(release)
        life, spec = self._lives[release], self.site.workspace.project.release(release)
        if action.verb is Verb.INSTALL:  # its image may be where it belongs already
            life.to(DeploymentState.LOADING)
        self._begun.add(release)
        rollout = Rollout(self.site, spec, life, self.report)
        done = rollout.bring(action, self.facts.charts[release], self.policy)
        self.done[release] = done
        return f"{REVISION}{done.revision}"

    def verify(self, release: str) -> None:
        """Ask a release that nothing is done to."""
        action = self._release(release)
        chart, spec = self.facts.charts[release], self.site.workspace.project.release(release)
        record = next(seen.record for seen in self.facts.releases if seen.name == release)
        served = verify(self.site, chart.manifests, spec)
        number = record.newest.number if record else 0
        self.done[release] = Deployed(release, action.verb, number, chart.tag, served)

    def _image(self, name: str) -> ImageAction:
        return next(action for action in self.plan.images if action.name == name)

    def _release(self, name: str) -> ReleaseAction:
        return next(action for action in self.plan.releases if action.release == name)

    def _lives_of(self, image: str) -> Iterator[Life]:
        releases = self.site.workspace.project.releases
        for name, life in self._lives.items():
            if releases[name].image == image:
                yield life

    def _how(self, action: ReleaseAction) -> str:
        """Return in words how a release is: the rest of a sentence that begins with its name."""
        if action.release in self.done or not action.changes:
            return "is Ready"
        if action.verb not in SENDING:
            return "was not waited for"
        if action.release not in self._begun:
            return "was not sent"
        return f"was sent and is {self._lives[action.release].state}"


def load(workspace: Workspace, reference: str, report: Report) -> None:
    """Bring an image into the node, and tell how much of it was sent."""
    name = reference.partition(":")[0]
    report(Event(name, "Loading", "looking at what the node lacks", passing=True))
    loaded = workspace.cluster.load(reference, report)
    if loaded.sent:
        size = Progress(round(loaded.sent / MEGABYTE, 1), round(loaded.sent / MEGABYTE, 1), "MB")
        report(Event(name, "Loaded", f"{_amount(loaded.sent)} sent", progress=size))
    else:
        report(Event(name, "Unchanged", "in the node already"))


def _amount(size: int) -> str:
    """Return bytes for people; a changed line of source is kilobytes."""
    return f"{size / 1e6:.1f} MB" if size >= MEGABYTE // 10 else f"{size / 1e3:.1f} kB"
