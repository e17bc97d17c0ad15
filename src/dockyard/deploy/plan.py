"""The plan of a deploy: a pure function of what the project wants and what there is."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from dockyard.images.plan import ImageAction, ImageSeen, plan_image
from dockyard.releases.plan import SENDING, ReleaseAction, ReleaseSeen, Verb, plan_release

if TYPE_CHECKING:
    from collections.abc import Mapping

    from dockyard.charts.render import Rendered


@dataclass(frozen=True, slots=True, kw_only=True)
class Facts:
    """All that is known before a plan is made.

    Attributes:
        images: What is known of each image.
        charts: The charts, rendered, by release.
        releases: What is known of each release, in order.
        kubernetes_version: Version of the cluster, or of the one that will be started.
    """

    images: tuple[ImageSeen, ...]
    charts: Mapping[str, Rendered]
    releases: tuple[ReleaseSeen, ...]
    kubernetes_version: str


@dataclass(frozen=True, slots=True)
class Plan:
    """What a deploy does.

    Attributes:
        images: What is done to each image.
        releases: What is done to each release, in order.
    """

    images: tuple[ImageAction, ...]
    releases: tuple[ReleaseAction, ...]

    @property
    def changes(self) -> bool:
        """Whether anything is done."""
        return any(image.build or image.load for image in self.images) or any(entry.changes for entry in self.releases)

    @property
    def sent(self) -> tuple[str, ...]:
        """The releases that something is sent for."""
        return tuple(entry.release for entry in self.releases if entry.verb in SENDING)


def make_plan(facts: Facts) -> Plan:
    """Decide what a deploy does.

    Raises:
        RefusedError: A release's tag would change its content.
    """
    return Plan(tuple(map(plan_image, facts.images)), tuple(map(plan_release, facts.releases)))


def sentences(plan: Plan, image_of: Mapping[str, str | None]) -> tuple[tuple[str, str, str], ...]:
    """Return subject, action and reason of all, in order: each image before the first release that runs it.

    Args:
        plan: The plan.
        image_of: The image of each release, by the release's name.
    """
    images = {image.name: image for image in plan.images}
    rows: list[tuple[str, str, str]] = []
    for release in plan.releases:
        image = images.pop(image_of.get(release.release) or "", None)
        if image is not None:
            rows.append((image.name, _image_verb(image), image.reason))
        verb = release.verb if release.verb is not Verb.NOTHING else "-"
        rows.append((release.release, verb if release.changes else "-", release.reason))
    return tuple(rows)


def as_record(plan: Plan) -> dict[str, Any]:
    """Return a plan as JSON data; manifests are not in it, since they hold secrets."""
    return {
        "changes": plan.changes,
        "images": [
            {"name": one.name, "tag": one.tag, "build": one.build, "load": one.load, "reason": one.reason}
            for one in plan.images
        ],
        "releases": [
            {
                "release": one.release,
                "verb": one.verb,
                "reason": one.reason,
                "recovery": one.recovery,
                "changed": [str(name) for name in one.wanted.changed(one.sent)],
            }
            for one in plan.releases
        ],
    }


def _image_verb(image: ImageAction) -> str:
    return " and ".join(verb for verb, done in (("build", image.build), ("load", image.load)) if done) or "-"
