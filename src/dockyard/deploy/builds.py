"""The images of one command: looked up, planned, and built as soon as their base images are there."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from functools import partial
from typing import TYPE_CHECKING, Self

from dockyard.images import bases
from dockyard.images import observe as images
from dockyard.images.make import make
from dockyard.images.plan import UNKNOWN
from dockyard.model.errors import DockyardError
from dockyard.model.events import Event
from dockyard.tools import stop
from dockyard.tools.jobs import Job

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from dockyard.images.observe import Source
    from dockyard.images.plan import ImageAction, ImageSeen
    from dockyard.model.events import Report
    from dockyard.workspace import Workspace


@dataclass(slots=True)
class ImageBuilds:
    """The images of one command. Jobs may use it in parallel, each for other images.

    Attributes:
        workspace: The workspace.
        sources: What each image is built from, by its name.
        seen: What is known of each image on this machine, by its name.
        missing: Base images that are not in the engine, each with the images that are built from it.
        before_node: Whether images are built before the node can be asked which it has.
    """

    workspace: Workspace
    sources: dict[str, Source]
    seen: dict[str, ImageSeen] = field(default_factory=dict)
    missing: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    before_node: bool = False

    @classmethod
    def look(cls, workspace: Workspace, names: Iterable[str]) -> Self:
        """Look images up; nothing is pulled or built.

        Args:
            workspace: The workspace.
            names: The images.

        Raises:
            BuildError: A source cannot be read.
        """
        found = images.sources(workspace.docker, workspace.project, tuple(names), workspace.root)
        lacking = dict.fromkeys(source.spec.base_image for source in found if source.base is None)
        missing = {base: tuple(source.name for source in found if source.spec.base_image == base) for base in lacking}
        made = cls(workspace, {source.name: source for source in found}, missing=missing)
        made._observe(found)
        return made

    def unbuilt(self) -> tuple[str, ...]:
        """Return the images that the engine lacks, as far as is known: the tag of some depends on a missing base."""
        return tuple(name for name, seen in self.seen.items() if seen.host is None or seen.sources == UNKNOWN)

    def build_before_node(self) -> None:
        """Build what the engine lacks without asking the node, which is not running yet."""
        self.before_node = True
        self._keep(tuple(self.seen.values()))

    def base_jobs(self, report: Report) -> Iterator[Job]:
        """Yield the jobs that pull or build missing base images; an image is looked up again with its base."""
        for base in self.missing:
            yield Job(self._job(base), frozenset(), partial(self._get_base, base, report), counted=False)

    def base_of(self, name: str) -> str:
        """Return the name of the job after which an image can be built; there is none if its base is in the engine."""
        return self._job(self.sources[name].spec.base_image)

    def build(self, action: ImageAction, report: Report) -> None:
        """Build an image as planned.

        Raises:
            BuildError: It could not be built, breaks the specification, or its sources changed meanwhile.
        """
        workspace = self.workspace
        make(
            workspace.docker,
            self.sources[action.name],
            action,
            report,
            state=workspace.state,
            ca_bundle=workspace.ca_bundle,
        )

    def _job(self, base: str) -> str:
        return f"base {base}"

    def _get_base(self, base: str, report: Report) -> None:
        try:
            found = bases.resolve(self.workspace.docker, base, report, ca_bundle=self.workspace.ca_bundle)
        except DockyardError as error:
            stop.check()  # a program that was ended by the signal did not fail
            report(Event(base, "Failed", error.what))  # at once: other jobs may be completed for minutes
            raise
        changed = [replace(self.sources[name], base=found) for name in self.missing[base]]
        self.sources.update({source.name: source for source in changed})
        self._observe(changed)

    def _observe(self, sources: Iterable[Source]) -> None:
        self._keep(images.observe(self.workspace.docker, tuple(sources), state=self.workspace.state))

    def _keep(self, found: Iterable[ImageSeen]) -> None:
        first = self.before_node
        self.seen.update({seen.name: replace(seen, build_first=first and seen.host is None) for seen in found})
