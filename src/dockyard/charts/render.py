"""Charts made ready: packaged with the image's tag as their appVersion, and rendered with the project's values."""

from __future__ import annotations

import hashlib
import os
import shutil
from dataclasses import dataclass, field
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any

from dockyard.charts.manifests import Manifests
from dockyard.charts.secret import checksum, secret_manifest, secret_values
from dockyard.model.errors import BuildError, ToolFailedError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from dockyard.model.project import ReleaseSpec
    from dockyard.tools.helm import Helm


KEPT = 3
"""Archives that are kept for a release."""

SHORT = 16
"""Digits that name a content."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Rendered:
    """A chart that is ready to be sent.

    Attributes:
        release: The release it is for.
        tag: The tag of its image; empty where it has none of the project's.
        archive: The packaged chart.
        values: The values that Dockyard adds: image and secrets; in no repr.
        files: Values files.
        manifests: What the chart renders to.
        secret: The Secret that Dockyard writes itself, or None where Helm does; in no repr.
    """

    release: str
    tag: str
    archive: Path
    values: Mapping[str, Any] = field(repr=False)
    files: tuple[Path, ...]
    manifests: Manifests
    secret: dict[str, Any] | None = field(default=None, repr=False)


def values_for(spec: ReleaseSpec, reference: str | None, secrets: Mapping[str, str]) -> dict[str, Any]:
    """Return the values that Dockyard adds to a release's own.

    Args:
        spec: The release.
        reference: `name:tag` of its image, or None where it has none of the project's.
        secrets: Values of secrets by name; the release gets only those that it names. Where Dockyard writes the Secret
            itself, Helm is told its name and a checksum and no value.
    """
    values: dict[str, Any] = {}
    if reference is not None:
        repository, _, tag = reference.rpartition(":")
        values["image"] = {"repository": repository, "tag": tag}
    if spec.config:
        values["config"] = dict(spec.config)
    if spec.existing_secret is not None:
        values |= {"existingSecret": spec.existing_secret, "secretChecksum": checksum(spec, secrets)}
    elif spec.secrets:
        values["secrets"] = secret_values(spec, secrets)
    return values


def render(  # noqa: PLR0913 - each is one fact of the rendering
    helm: Helm,
    release: str,
    spec: ReleaseSpec,
    reference: str | None,
    *,
    root: Path,
    folder: Path,
    secrets: Mapping[str, str],
    namespace: str,
    kubernetes_version: str = "",
) -> Rendered:
    """Package and render the chart of a release.

    Args:
        helm: The program; no cluster is asked.
        release: The release's name.
        spec: What dockyard.yaml says of it.
        reference: `name:tag` of its image, or None; the tag becomes the chart's appVersion (data-model.md, section 2).
        root: Where the specification's paths start.
        folder: Where packaged charts are kept.
        secrets: Values of secrets by name.
        namespace: Where it will be installed.
        kubernetes_version: The version of the cluster, which templates may ask for; Helm's own where it is not given.

    Raises:
        BuildError: The chart is not there, or does not render.
    """
    chart = root / spec.chart
    if not (chart / "Chart.yaml").is_file():
        raise BuildError(f"Release {release} has no chart at {spec.chart}", fix="Correct `chart` in dockyard.yaml")
    tag = reference.rpartition(":")[2] if reference else ""
    values = values_for(spec, reference, secrets)
    files = tuple(root / name for name in spec.values)
    try:
        archive = package(helm, chart, tag, folder / release)
        text = helm.template(
            release, archive, values, files=files, namespace=namespace, kubernetes_version=kubernetes_version
        )
    except ToolFailedError as error:
        raise BuildError(f"The chart of release {release} does not render", why=error.stderr.strip()) from error
    manifests = Manifests.parse(text)
    own = secret_manifest(release, spec, secrets) if spec.existing_secret is not None else None
    return Rendered(
        release=release, tag=tag, archive=archive, values=values, files=files, manifests=manifests, secret=own
    )


def package(helm: Helm, chart: Path, tag: str, folder: Path) -> Path:
    """Return the archive of a chart with a tag as its appVersion, made where its content has none yet.

    Args:
        helm: The program.
        chart: The chart's folder.
        tag: The appVersion; empty leaves the chart's own.
        folder: Where the release's archives are kept: a folder for each content, the latest KEPT of them.

    Raises:
        BuildError: A file of the chart cannot be read.
        ToolFailedError: Helm cannot package it.
    """
    content = folder / _digest(chart, tag)
    there = sorted(content.glob("*.tgz"))
    if there:
        return there[0]
    folder.mkdir(parents=True, exist_ok=True)
    with TemporaryDirectory(dir=folder, ignore_cleanup_errors=True) as making:  # a torn archive must not be found
        archive = helm.package(chart, Path(making), app_version=tag or None)
        content.mkdir(exist_ok=True)
        archive = archive.replace(content / archive.name)
    others = sorted((other for other in folder.iterdir() if other != content), key=lambda path: path.stat().st_mtime)
    for other in others[: -KEPT + 1]:
        shutil.rmtree(other, ignore_errors=True)
    return archive


def _digest(chart: Path, tag: str) -> str:
    """Return what names the content of a chart's archive: every file below its folder, and the tag."""
    digest = hashlib.sha256(tag.encode())
    try:
        walked = os.walk(chart, followlinks=True)  # Helm follows links to folders, too
        paths = sorted(Path(folder, name) for folder, _, names in walked for name in names)
        for path in filter(Path.is_file, paths):
            content = path.read_bytes()
            digest.update(f"\0{path.relative_to(chart)}\0{len(content)}\0".encode() + content)
    except OSError as error:
        raise BuildError(f"{error.filename} cannot be read", why=error.strerror or "") from error
    return digest.hexdigest()[:SHORT]
