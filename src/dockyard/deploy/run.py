"""One deploy: the graph of its jobs, from the cluster's start to the last release.

The images that the engine lacks are built while the cluster starts: nothing about them depends on it. Everything that
depends on facts of the cluster is decided in one place, the job `plan`; the jobs after it carry the plan out.
"""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from functools import partial
from typing import TYPE_CHECKING, Self

from dockyard import database
from dockyard.deploy.act import Act, Gate
from dockyard.deploy.builds import ImageBuilds
from dockyard.deploy.observe import image_names, observe
from dockyard.deploy.options import Options, locked
from dockyard.deploy.plan import make_plan
from dockyard.deploy.prepare import database_secret, ensure_namespace, require_space
from dockyard.deploy.steps import Steps
from dockyard.images.observe import with_node
from dockyard.images.plan import plan_image
from dockyard.model.errors import DockyardError, StoppedError
from dockyard.model.events import Event
from dockyard.releases.records import read_records
from dockyard.releases.services import release_unused_addresses
from dockyard.releases.site import connect, runs
from dockyard.tools import stop
from dockyard.tools.clock import ticks
from dockyard.tools.jobs import Job, run_jobs

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from dockyard.database import DatabaseFacts
    from dockyard.images.plan import ImageAction
    from dockyard.model.events import Report
    from dockyard.releases.lock import Lock
    from dockyard.releases.records import ReleaseRecord
    from dockyard.releases.rollout import Deployed
    from dockyard.releases.site import Site
    from dockyard.workspace import Workspace

CLUSTER, DATABASE, LOCK, PLAN, CHECKS = "cluster", "database", "lock", "plan", "checks"
"""Names of jobs; others are `base IMAGE`, `build IMAGE`, `load IMAGE` and `release RELEASE`."""

OTHERS = 30.0
"""Seconds for somebody else's Helm to end before its release counts as interrupted."""

ORPHANS = 3.0
"""The same if a deploy died on this machine: its Helm may have outlived it for a moment."""

PAUSE = 0.3


@dataclass(slots=True)
class DeployRun:
    """One deploy, and what its jobs have found out so far.

    Attributes:
        workspace: The workspace, with the URL of the development database if that is used.
        names: The releases, in order.
        report: Receives events.
        options: How the deploy is done.
        gate: Called before anything is sent to the cluster; it refuses by raising.
        builds: The images of the releases.
        running: Whether the cluster is running already; only known if an image has to be built.
        database: What is known of the development database; None if it is not used.
        database_secret: The secret whose value is its URL; empty if it is not used.
    """

    workspace: Workspace
    names: tuple[str, ...]
    report: Report
    options: Options
    gate: Gate
    builds: ImageBuilds
    running: bool
    database: DatabaseFacts | None
    database_secret: str
    _stack: ExitStack = field(default_factory=ExitStack)
    _guard: threading.Lock = field(default_factory=threading.Lock)
    _failed: bool = False
    _site: Site | None = None
    _lock: Lock | None = None
    _act: Act | None = None
    _node: Mapping[str, str] | None = None
    _asking_node: threading.Lock = field(default_factory=threading.Lock)

    @classmethod
    def look(cls, workspace: Workspace, names: tuple[str, ...], report: Report, options: Options, gate: Gate) -> Self:
        """Look at what is on this machine; nothing is started.

        Args:
            workspace: The workspace; its secrets are validated.
            names: The releases, in order.
            report: Receives events.
            options: How the deploy is done.
            gate: Called before anything is sent to the cluster; it refuses by raising.

        Raises:
            BuildError: A source cannot be read.
            MachineError: The engine does not answer.
        """
        facts = None
        with ThreadPoolExecutor(1, thread_name_prefix="images") as pool:
            looking = pool.submit(ImageBuilds.look, workspace, image_names(workspace, names))
            if secret := database_secret(workspace, names):
                facts = database.observe(workspace.docker)
                workspace = workspace.with_secret(secret, facts.database.url_in_cluster)
            builds = looking.result()
        running = bool(builds.unbuilt()) and runs(workspace)
        return cls(workspace, names, report, options, gate, builds, running, facts, secret)

    def run(self) -> tuple[Deployed, ...]:
        """Run all jobs; return what the releases came to, in order.

        Raises:
            StoppedError: The user stopped it; it says in what state things are.
            DockyardError: The first failure; releases that were done before stay.
        """
        if self.builds.unbuilt():
            require_space(self.workspace.docker.data_root())
            if not self.running:
                self.builds.build_before_node()
        with self._stack:
            try:
                run_jobs(tuple(self._jobs()), limit=self.options.jobs)
            except StoppedError:
                raise self._stopped() from None
            act = self._planned()
            if act.plan.changes:
                release_unused_addresses(act.site.api, self.workspace.cluster)
            return act.results()

    @property
    def _steps(self) -> Steps:
        images = {name: self.workspace.project.release(name).image for name in self.names}
        return Steps(self.report, images, self._check_lock)

    def _jobs(self) -> Iterator[Job]:
        """Yield the jobs; of those that could start at the same time, the first ones do."""
        bases = tuple(self.builds.base_jobs(self.report))
        yield Job(CLUSTER, frozenset(), self._start_cluster, counted=False)
        if self.database is not None:
            yield Job(DATABASE, frozenset(), partial(self._start_database, self.database), counted=False)
        yield from bases
        yield Job(LOCK, frozenset({CLUSTER}), self._take_lock, counted=False)
        yield Job(PLAN, frozenset({LOCK, *(job.name for job in bases)}), self._make_plan, counted=False)
        yield Job(CHECKS, frozenset({PLAN}), lambda: self._planned().check())
        unbuilt = frozenset(self.builds.unbuilt())
        for name in self.builds.sources:
            if name in unbuilt:
                yield Job(f"build {name}", self._before_build(name), partial(self._build, name))
            yield Job(f"load {name}", frozenset({CHECKS, f"build {name}"}), partial(self._load, name))
        for name in self.names:
            yield Job(f"release {name}", self._before_release(name), partial(self._release, name))

    def _before_build(self, name: str) -> frozenset[str]:
        """Return the jobs that a build waits for: its base image, and on a running cluster the lock.

        If every base image is in the engine as well, the plan is made in a moment: it comes first, since it shows
        what is wrong with charts and releases before anything is built.
        """
        if not self.running:
            return frozenset({self.builds.base_of(name)})
        return frozenset({self.builds.base_of(name), LOCK if self.builds.missing else PLAN})

    def _before_release(self, name: str) -> frozenset[str]:
        spec = self.workspace.project.release(name)
        own = {DATABASE} if self.database_secret in spec.secrets else set()
        return frozenset({CHECKS, f"load {spec.image}", *own, *(f"release {needed}" for needed in spec.needs)})

    def _start_cluster(self) -> None:
        with self._reporting("cluster"):
            self.workspace.cluster.start(self.report)

    def _start_database(self, facts: DatabaseFacts) -> None:
        with self._reporting("database"):
            self.report(Event("database", "Using", f"{self.database_secret} is not set: the development database"))
            database.start(self.workspace.docker, self.report, ca_bundle=self.workspace.ca_bundle, facts=facts)

    def _take_lock(self) -> None:
        self._site = connect(self.workspace, self.report)
        ensure_namespace(self._site)
        self._lock = self._stack.enter_context(locked(self._site, self.options, self.report))

    def _check_lock(self) -> None:
        if self._lock is not None:
            self._lock.check()

    def _make_plan(self) -> None:
        if self._site is None or self._lock is None:
            raise AssertionError
        records = await_others(self._site, self.names, self._lock, self.report)
        seen = tuple(self.builds.seen.values())
        facts = observe(self.workspace, self.names, self._site, seen, node=self._images_in_node, records=records)
        plan = make_plan(facts)
        if any(image.load for image in plan.images) and not self.builds.unbuilt():
            require_space(self.workspace.docker.data_root())
        act = Act(self._site, facts, plan, self.report, self.options.policy, self.gate)
        with self._guard:
            if self._failed:  # nothing more is begun, and no release is in a state that the plan knows
                raise StoppedError("Stopped")
            act.begin()
            self._act = act

    def _images_in_node(self) -> Mapping[str, str]:
        """Return the images in the node, which is asked once."""
        with self._asking_node:
            if self._node is None:
                self._node = self.workspace.cluster.images()
            return self._node

    def _planned(self) -> Act:
        if self._act is None:
            raise AssertionError
        return self._act

    def _image_action(self, name: str) -> ImageAction:
        """Return what is done to an image, as the plan has it or will have it."""
        seen = self.builds.seen[name]
        if self.running:
            seen = with_node(seen, self._images_in_node().get(f"{seen.name}:{seen.tag}", ""))
        return plan_image(seen)

    def _build(self, name: str) -> None:
        action = self._image_action(name)
        if action.build:
            service = self._steps.service(name)
            work = partial(self.builds.build, action, self._steps.report_for(service))
            with self._failing(name):
                self._steps.run(service, "build", work)

    def _load(self, name: str) -> None:
        act = self._planned()
        if act.loads(name):
            service = self._steps.service(name)
            work = partial(act.load, name, self._steps.report_for(service))
            with self._failing(name):
                self._steps.run(service, "load", work)

    def _release(self, name: str) -> None:
        act = self._planned()
        if act.changes(name):
            self._steps.run(name, "release", partial(act.bring, name))
        else:
            act.verify(name)

    @contextmanager
    def _failing(self, image: str) -> Iterator[None]:
        """Report at once that releases fail with their image, while other jobs are completed."""
        try:
            yield
        except StoppedError:
            raise
        except DockyardError as error:
            stop.check()  # a program that was ended by the signal did not fail
            with self._guard:
                self._failed = True
                if self._act is not None:
                    self._act.fail(image, error.what)
                else:
                    for name in self._steps.users(image):
                        self.report(Event(name, "Failed", error.what, service=name))
            raise

    @contextmanager
    def _reporting(self, subject: str) -> Iterator[None]:
        """Report a failure at once, while other jobs are completed."""
        try:
            yield
        except StoppedError:
            raise
        except DockyardError as error:
            stop.check()
            self.report(Event(subject, "Failed", error.what))
            raise

    def _stopped(self) -> StoppedError:
        """Return the error that says in what state the releases are."""
        unsent = (f"{name} was not sent" for name in self.names)
        states = self._act.states() if self._act is not None else unsent
        return StoppedError("Stopped", why="; ".join(states), fix="`./inv deploy` goes on from here")


def await_others(site: Site, names: tuple[str, ...], lock: Lock, report: Report) -> Mapping[str, ReleaseRecord]:
    """Wait for a Helm that is at work on one of the releases; one that died never ends, and is recovered from.

    Returns:
        What the cluster remembers of releases then.
    """
    limit = ORPHANS if lock.died else OTHERS
    reported = False
    records: Mapping[str, ReleaseRecord] = {}
    for _ in ticks(site.workspace.clock, limit=limit, pause=PAUSE):
        records = read_records(site.api)
        pending = [records[name].newest for name in names if name in records and records[name].pending]
        if not pending:
            break
        if not reported:
            reported = True
            one = pending[0]
            text = f"revision {one.number} is {one.status}; somebody's Helm may be at work"
            report(Event(one.release, "Waiting", text, service=one.release))
    return records
