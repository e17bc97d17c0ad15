"""Gathers what checks look at: charts rendered as a deploy would, twice, and the sources of images."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TYPE_CHECKING

from dockyard.checks.subject import Subject

if TYPE_CHECKING:
    from collections.abc import Mapping

    from dockyard.model.project import Project
    from dockyard.tools.helm import Helm

SAMPLE_TAG = "0.0.0-000000abcdef"
"""Stands for a content tag: what an image will be called is known only once its base image is."""

LARGEST = 2_000_000
"""Bytes of a text that checks read; a values file beyond it is found by its size."""


def gather(  # noqa: PLR0913 - each is one source of facts
    project: Project,
    *,
    root: Path,
    helm: Helm,
    secrets: Mapping[str, str],
    kubernetes_version: str,
    references: Mapping[str, str] | None = None,
) -> Subject:
    """Render and read all that checks look at.

    Args:
        project: The project.
        root: Where its paths start.
        helm: The program; no cluster is asked.
        secrets: Values of secrets by name.
        kubernetes_version: The version of the cluster that is meant.
        references: `name:tag` of the images, by name, where they are known.
    """
    known = references or {}
    charts = [root / project.release(name).chart for name in project.order()]
    with ThreadPoolExecutor(max_workers=len(charts) + 1) as pool:
        linting = pool.submit(_lint, helm, charts, root)
        releases = [
            pool.submit(
                _release, helm, name, project.release(name), root=root, project=project, secrets=secrets, known=known
            )
            for name in project.order()
        ]
        images = [_image(name, spec, root) for name, spec in project.images.items()]
        lint = linting.result()
        return Subject(
            project=project,
            releases=tuple(_with_lint(done.result(), lint) for done in releases),
            images=tuple(images),
            secrets=secrets,
            kubernetes_version=kubernetes_version,
        )
