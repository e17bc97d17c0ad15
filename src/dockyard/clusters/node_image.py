"""The image of the embedded cluster's node, built once from Debian's sources: minutes, then cached."""

from __future__ import annotations

from typing import TYPE_CHECKING

from dockyard.assets import asset
from dockyard.images.bases import resolve
from dockyard.images.build import Recipe, build
from dockyard.images.fingerprint import fingerprint
from dockyard.model.events import Event

if TYPE_CHECKING:
    from pathlib import Path

    from dockyard.model.events import Report
    from dockyard.tools.docker import Docker

BASE = "debian:bookworm-slim"
NAME = "dockyard/node"
SHORT = 12


class NodeImage:
    """Builds the node's image where its sources have none yet."""

    def __init__(self, docker: Docker, *, ca_bundle: Path | None) -> None:
        self._docker, self._ca_bundle = docker, ca_bundle

    def ensure(self, report: Report) -> str:
        """Return the reference of the node's image.

        Raises:
            BuildError: It could not be built.
        """
        base = resolve(self._docker, BASE, report, ca_bundle=self._ca_bundle)
        context, dockerfile = asset("dockerfiles/node"), asset("dockerfiles/node.Dockerfile")
        arguments = {"BASE_IMAGE": base.reference}
        sources = fingerprint(context, dockerfile, arguments=arguments, base_id=base.id)
        reference = f"{NAME}:{sources[:SHORT]}"
        if self._docker.image(reference) is None:
            report(Event("cluster", "Building", f"{reference}: Kubernetes from Debian's sources, 5 to 12 minutes once"))
            recipe = Recipe(
                subject="cluster",
                reference=reference,
                context=context,
                dockerfile=dockerfile,
                arguments=arguments,
                kind="node",
                fingerprint=sources,
                ca_bundle=self._ca_bundle,
            )
            build(self._docker, recipe, report)
            report(Event("cluster", "Built", reference))
        return reference
