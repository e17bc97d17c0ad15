"""What checks look at: gathered once, so that the checks themselves are pure."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from dockyard.charts.pods import pod_templates
from dockyard.checks.finding import Place

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from dockyard.charts.manifests import Manifests, ObjectName
    from dockyard.charts.pods import Container, PodTemplate
    from dockyard.model.cluster import Provider
    from dockyard.model.project import ImageSpec, Project, ReleaseSpec

PROJECT_FILE = "dockyard.yaml"
"""The place of what stands in no chart."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ReleaseSubject:
    """One release, rendered as a deploy would render it.

    Attributes:
        name: The release.
        spec: What dockyard.yaml says of it.
        chart: Chart.yaml, as YAML gave it; empty where it cannot be read.
        manifests: What it renders to; empty where it does not render.
        failure: Why it does not render; empty where it does.
        repeated: What a second rendering gave, or None where there was none.
        unreadable: Why a file cannot be read, by its path below the project's root; nothing is rendered then.
        lint: Lines of `helm lint` that are errors or warnings, `[ERROR] templates/a.yaml: ...`.
        templates: Text of each file below `templates/`, by its path below the project's root.
        values: Text of `values.yaml` and of each values file, by its path below the project's root; all are YAML that
            is safe to parse.
        unread: Values files that change nothing of what is rendered.
        unread_keys: Dotted keys that the chart does not read, by the values file that has them; for those that Dockyard
            adds, by `dockyard.yaml`.
        tag: The tag of its image; empty where it has none of the project's.
    """

    name: str
    spec: ReleaseSpec
    chart: Mapping[str, Any]
    manifests: Manifests
    failure: str = ""
    repeated: Manifests | None = None
    unreadable: Mapping[str, str] = field(default_factory=dict)
    lint: tuple[str, ...] = ()
    templates: Mapping[str, str] = field(default_factory=dict)
    values: Mapping[str, str] = field(default_factory=dict, repr=False)
    unread: tuple[str, ...] = ()
    unread_keys: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    tag: str = ""

    def place(self, name: ObjectName, path: str = "") -> Place:
        """Return where an object stands: its template below the project's root, and keys inside it."""
        _, _, below = self.manifests.sources.get(name, "").partition("/")
        where = f"{name.kind}/{name.name}"
        file = f"{self.spec.chart}/{below}" if below else self.spec.chart
        return Place(file, f"{where}: {path}" if path else where, release=self.name)


@dataclass(frozen=True, slots=True, kw_only=True)
class ImageSubject:
    """One image, as its sources are.

    Attributes:
        name: The image.
        spec: What dockyard.yaml says of it.
        dockerfile: Text of the Dockerfile; empty where it cannot be read.
        files: Paths of the build context that Docker would send.
        left_out: Paths of the build context that .dockerignore leaves out and the Dockerfile names.
        unreadable: Why a file or folder cannot be read, by its path below the project's root.
    """

    name: str
    spec: ImageSpec
    dockerfile: str
    files: frozenset[str]
    left_out: frozenset[str] = frozenset()
    unreadable: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Tracked:
    """What Git has of a project, as its index has it: what the next commit would hold.

    Attributes:
        files: Paths below the project's root.
        found: Where a secret stands: path, line, and what it is as the end of "it ..."; never the secret.
    """

    files: tuple[str, ...]
    found: tuple[tuple[str, int, str], ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Subject:
    """A project, as it would be deployed.

    Attributes:
        project: What dockyard.yaml describes.
        releases: Its releases, in order.
        images: Its images.
        secrets: Values of secrets by name; empty ones are left out; in no repr.
        exposure: Who else may read .env, as a sentence; empty where nobody may.
        example: Text of .env.example; empty where there is none.
        tracked: What Git has of the project; None where that was not looked at, or there is no repository.
        kubernetes_version: Kubernetes version of the target cluster, `v1.36.3` for example; empty if it is unknown.
        provider: What runs the target cluster; None if it is unknown.
    """

    project: Project
    releases: tuple[ReleaseSubject, ...]
    images: tuple[ImageSubject, ...] = ()
    secrets: Mapping[str, str] = field(default_factory=dict, repr=False)
    exposure: str = ""
    example: str = ""
    tracked: Tracked | None = None
    kubernetes_version: str = ""
    provider: Provider | None = None

    @property
    def is_whole(self) -> bool:
        """Whether every release renders: else what "no release makes" cannot be known."""
        return not any(release.failure or release.unreadable for release in self.releases)

    def pods(self) -> Iterator[tuple[ReleaseSubject, PodTemplate]]:
        """Yield every pod template of every release."""
        for release in self.releases:
            for template in pod_templates(release.manifests):
                yield release, template

    def containers(self) -> Iterator[tuple[ReleaseSubject, PodTemplate, Container]]:
        """Yield every container of every release."""
        for release, template in self.pods():
            for container in template.containers():
                yield release, template, container

    def objects(self, *kinds: str) -> Iterator[tuple[ReleaseSubject, ObjectName, Mapping[str, Any]]]:
        """Yield every rendered object of those kinds, or of all kinds."""
        for release in self.releases:
            for name, content in release.manifests.objects.items():
                if not kinds or name.kind in kinds:
                    yield release, name, content

    def made(self, *kinds: str) -> Iterator[tuple[ObjectName, Mapping[str, Any]]]:
        """Yield every object of those kinds that is there once the releases are: rendered, or made by a hook."""
        for release in self.releases:
            for name, content in (*release.manifests.objects.items(), *release.manifests.hooks.items()):
                if name.kind in kinds:
                    yield name, content

    def release_of(self, place: Place) -> str:
        """Return the release that a place belongs to; empty for places that belong to none, or to several."""
        if place.release:
            return place.release
        owners = {release.name for release in self.releases if _holds(release, place.file)}
        return owners.pop() if len(owners) == 1 else ""


def _holds(release: ReleaseSubject, file: str) -> bool:
    return file in release.spec.values or f"{file}/".startswith(f"{release.spec.chart.rstrip('/')}/")
