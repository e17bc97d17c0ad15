"""The image of the embedded cluster's node: built once from Go modules, then taken from the engine."""

from __future__ import annotations

from contextlib import ExitStack
from dataclasses import replace
from typing import TYPE_CHECKING

from dockyard.assets import asset
from dockyard.clusters.go_errors import explain
from dockyard.clusters.go_modules import environment_file, module_hosts, redactor
from dockyard.images.bases import resolve
from dockyard.images.build import BuildSpec, build_image
from dockyard.images.fingerprint import fingerprint
from dockyard.model.cluster import EMBEDDED_KUBERNETES
from dockyard.model.events import Event, Step
from dockyard.tools.memory_file import memory_file

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from pathlib import Path

    from dockyard.model.events import Report
    from dockyard.tools.docker import Docker

BASE = "debian:trixie-slim"
NAME = "dockyard/node"
SHORT = 12

CONTEXT = "dockerfiles/node"
DOCKERFILE = "dockerfiles/node.Dockerfile"
GO_MOD = "go.mod"

SUBJECT = "cluster"
STEP = "node image"
"""The name of the build's step in the journal, by which later builds know how long it took."""

PACKAGES = "packages"
"""What the progress of the compiler counts."""

USUAL = "4 to 12 minutes"
"""How long the build takes if no earlier one is known; 4 on two idle cores, near a fast proxy."""


class NodeImage:
    """Builds the node's image if the engine has none of the current sources."""

    def __init__(
        self,
        docker: Docker,
        *,
        ca_bundle: Path | None,
        go_settings: Callable[[], Mapping[str, str]],
        last_build: Callable[[], float | None],
    ) -> None:
        """Make one; nothing is asked before the image has to be built.

        Args:
            docker: The engine.
            ca_bundle: The machine's own CA certificates.
            go_settings: Returns how this machine fetches Go modules.
            last_build: Returns the seconds that the last build on this machine took, or None.
        """
        self._docker, self._ca_bundle = docker, ca_bundle
        self._go_settings, self._last_build = go_settings, last_build

    def ensure(self, report: Report) -> str:
        """Return the reference of the node's image, built if it is missing.

        Raises:
            BuildError: It could not be built.
            MachineError: The machine lacks what the build needs: space, memory.
        """
        base = resolve(self._docker, BASE, report, ca_bundle=self._ca_bundle)
        arguments = {"BASE_IMAGE": base.reference}
        sources = fingerprint(asset(CONTEXT), asset(DOCKERFILE), arguments=arguments, base_id=base.id)
        spec = BuildSpec(
            subject=SUBJECT,
            reference=f"{NAME}:{sources[:SHORT]}",
            context=asset(CONTEXT),
            dockerfile=asset(DOCKERFILE),
            arguments=arguments,
            kind="node",
            fingerprint=sources,
            ca_bundle=self._ca_bundle,
            counted=PACKAGES,
            explain=explain,
        )
        if self._docker.image(spec.reference) is None:
            self._build(spec, report)
        return spec.reference

    def _build(self, spec: BuildSpec, report: Report) -> None:
        before = self._last_build()
        length = f"{USUAL} once" if before is None else f"once; last time {minutes(before)}"
        text = f"{spec.reference}: Kubernetes {EMBEDDED_KUBERNETES} from Go modules, {length}"
        begun = Step(SUBJECT, "Building", text, step=STEP)
        report(begun)
        try:
            with ExitStack() as stack:
                self._build_with(spec, _with_last_time(report, before), stack)
        except BaseException:
            report(replace(begun, stage="Failed", text="", ended=True, ok=False))
            raise
        report(replace(begun, stage="Built", text=spec.reference, ended=True))

    def _build_with(self, spec: BuildSpec, report: Report, stack: ExitStack) -> None:
        settings = self._go_settings()
        secrets: dict[str, Path] = {}
        if settings:
            secrets["goenv"] = stack.enter_context(memory_file("dockyard-goenv", environment_file(settings)))
        redact = redactor(settings, public=module_hosts((asset(CONTEXT) / GO_MOD).read_text(encoding="utf-8")))
        build_image(self._docker, replace(spec, secrets=secrets, redact=redact), report)


def _with_last_time(report: Report, before: float | None) -> Report:
    """Return a report that adds to the progress of the compiler how long the last build took."""
    if before is None:
        return report
    took = f"last time {minutes(before)}"

    def tell(event: Event) -> None:
        compiling = event.progress is not None and event.progress.unit == PACKAGES
        report(replace(event, text=f"{took}  {event.text}") if compiling else event)

    return tell


def minutes(seconds: float) -> str:
    """Return a length of time: `4 min 12 s`."""
    whole = round(seconds)
    return f"{whole // 60} min {whole % 60} s"
