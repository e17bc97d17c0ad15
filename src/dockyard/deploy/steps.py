"""The steps of a deploy in the event stream, each under the release that it is done for."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from dockyard.model.events import Step

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from dockyard.model.events import Report


@dataclass(frozen=True, slots=True)
class Steps:
    """Reports steps.

    Attributes:
        report: Receives events.
        images: The image of each release, in the order of the releases.
        check: Called before each step; it refuses to go on by raising.
    """

    report: Report
    images: Mapping[str, str | None]
    check: Callable[[], None]

    def users(self, image: str) -> tuple[str, ...]:
        """Return the releases that run an image."""
        return tuple(release for release, used in self.images.items() if used == image)

    def service(self, image: str) -> str:
        """Return the release in whose row work on an image is shown: the first that runs it."""
        return self.users(image)[0]

    def report_for(self, service: str) -> Report:
        """Return a report that adds the release to events without one."""
        return lambda event: self.report(replace(event, service=event.service or service))

    def run(self, service: str, step: str, work: Callable[[], str | None]) -> None:
        """Do a step, and report its begin, its end, and the text that the work returns."""
        self.check()
        begun = Step(service, step, service=service, step=step)
        self.report(begun)
        try:
            text = work() or ""
        except BaseException:
            self.report(replace(begun, ended=True, ok=False))
            raise
        self.report(replace(begun, text=text, ended=True))
