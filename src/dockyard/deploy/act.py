"""Carrying out a plan: images, checks and releases, in parallel along `needs`. Nothing is decided here."""

from __future__ import annotations

from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from functools import partial
from typing import TYPE_CHECKING, Protocol

from dockyard.deploy.graph import Piece, carry_out
from dockyard.deploy.prepare import require_space
from dockyard.images.make import make
from dockyard.model.errors import DockyardError, StoppedError
from dockyard.model.events import REVISION, Event, Progress, Step
from dockyard.model.lifecycle import DeploymentState
from dockyard.releases.life import Life
from dockyard.releases.plan import SENDING, Verb
from dockyard.releases.rollout import Deployed, Policy, Rollout
from dockyard.releases.verify import verify

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from dockyard.deploy.plan import Facts, Plan
    from dockyard.images.plan import ImageAction
    from dockyard.model.events import Report
    from dockyard.releases.lock import Lock
    from dockyard.releases.plan import ReleaseAction
    from dockyard.releases.site import Site
    from dockyard.workspace import Workspace

MEGABYTE = 1_000_000

CHECKS = "checks"

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
    """A plan while it is carried out.

    Attributes:
        site: The cluster.
        facts: What the plan was made from.
        plan: What is done.
        report: Told of what happens.
        lock: The lock under which it is done.
        policy: What is done about releases that fail.
        gate: Asked before anything is sent to the cluster; it refuses by raising.
        done: What became of each release.
    """

    site: Site
    facts: Facts
    plan: Plan
    report: Report
    lock: Lock
    policy: Policy
    gate: Gate
    done: dict[str, Deployed] = field(default_factory=dict)
    _lives: dict[str, Life] = field(default_factory=dict)
    _begun: set[str] = field(default_factory=set)

    def run(self, *, jobs: int) -> tuple[Deployed, ...]:
        """Do all that the plan says, at most ``jobs`` pieces at a time.

        Raises:
            StoppedError: Somebody asked to stop; it says what state things are in.
            DockyardError: What failed first; releases that were done before stay.
        """
        self._lives = {
            action.release: Life(action.release, action.state, self.report, action.reason)
            for action in self.plan.releases
        }
        if any(image.build or image.load for image in self.plan.images):
            require_space(self.site.workspace.docker.data_root())
        try:
            carry_out(tuple(self._pieces()), jobs=jobs)
        except StoppedError:
            raise self._stopped() from None
        return tuple(self.done[action.release] for action in self.plan.releases)

    def _pieces(self) -> Iterator[Piece]:
        """Yield the pieces of work; an early one in the releases' order comes first."""
        if self.plan.sent:
            yield Piece(CHECKS, frozenset(), self._check)
        for image in self.plan.images:
            if image.build:
                yield Piece(
                    f"build {image.name}",
                    frozenset(),
                    self._timed(self._service(image), "build", partial(self._build, image)),
                )
            if image.load:
                needs = frozenset({f"build {image.name}", CHECKS})
                yield Piece(
                    f"load {image.name}", needs, self._timed(self._service(image), "load", partial(self._load, image))
                )
        for action in self.plan.releases:
            spec = self.site.workspace.project.release(action.release)
            needs = frozenset({CHECKS, f"load {spec.image}", *(f"release {name}" for name in spec.needs)})
            name = f"release {action.release}"
            if action.changes:
                yield Piece(name, needs, self._timed(action.release, "release", partial(self._bring, action)))
            else:
                yield Piece(name, frozenset(), partial(self._verify, action))

    def _timed(self, service: str, step: str, work: Callable[[], str | None]) -> Callable[[], None]:
        """Return work that tells when it begins, when it ends and what it returns; not begun without the lock."""

        def run() -> None:
            self.lock.check()
            self.report(Step(service, step, service=service, step=step))
            try:
                text = work() or ""
            except BaseException:
                self.report(Step(service, step, service=service, step=step, ended=True, ok=False))
                raise
            self.report(Step(service, step, text, service=service, step=step, ended=True))

        return run

    def _service(self, image: ImageAction) -> str:
        """Return the first release that runs an image: the one whose row shows its build."""
        releases = self.site.workspace.project.releases
        found = (entry.release for entry in self.plan.releases if releases[entry.release].image == image.name)
        return next(found, image.name)

    def _lives_of(self, image: ImageAction) -> Iterator[Life]:
        releases = self.site.workspace.project.releases
        for name, life in self._lives.items():
            if releases[name].image == image.name:
                yield life

    def _for(self, service: str) -> Report:
        """Return who is told of work for a service, with its name."""
        return lambda event: self.report(replace(event, service=event.service or service))

    def _check(self) -> None:
        references = {image.name: image.reference for image in self.plan.images}
        version = self.facts.kubernetes_version
        self.gate(self.site.workspace, self.plan.sent, references, self.report, kubernetes_version=version)

    def _build(self, image: ImageAction) -> None:
        workspace, source = self.site.workspace, self.facts.sources[image.name]
        with self._failing(image):
            make(
                workspace.docker,
                source,
                image,
                self._for(self._service(image)),
                state=workspace.state,
                ca_bundle=workspace.ca_bundle,
            )

    def _load(self, image: ImageAction) -> None:
        for life in self._lives_of(image):
            if life.state is DeploymentState.BUILDING:
                life.to(DeploymentState.LOADING, image.reference)
        with self._failing(image):
            load(self.site.workspace, image.reference, self._for(self._service(image)))

    @contextmanager
    def _failing(self, image: ImageAction) -> Iterator[None]:
        """Let what is to be installed fail with its image; a release that is there serves as before."""
        try:
            yield
        except StoppedError:
            raise
        except DockyardError as error:
            for life in self._lives_of(image):
                if life.state in UNSENT:
                    life.to(DeploymentState.FAILED, error.what)
            raise

    def _bring(self, action: ReleaseAction) -> str:
        life, spec = self._lives[action.release], self.site.workspace.project.release(action.release)
        if action.verb is Verb.INSTALL:  # its image may be where it belongs already
            life.to(DeploymentState.LOADING)
        self._begun.add(action.release)
        rollout = Rollout(self.site, spec, life, self.report)
        done = rollout.bring(action, self.facts.charts[action.release], self.policy)
        self.done[action.release] = done
        return f"{REVISION}{done.revision}"

    def _verify(self, action: ReleaseAction) -> None:
        """Ask a release that nothing is done to."""
        chart, spec = self.facts.charts[action.release], self.site.workspace.project.release(action.release)
        record = next(seen.record for seen in self.facts.releases if seen.name == action.release)
        served = verify(self.site, chart.manifests, spec)
        number = record.newest.number if record else 0
        self.done[action.release] = Deployed(action.release, action.verb, number, chart.tag, served)

    def _stopped(self) -> StoppedError:
        """Return the error that says what state things are in."""
        words = "; ".join(f"{action.release} {self._how(action)}" for action in self.plan.releases)
        return StoppedError("Stopped", why=words, fix="`./inv deploy` goes on from here")

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
