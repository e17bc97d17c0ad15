"""Building one image with BuildKit, and saying how far it is."""

from __future__ import annotations

import re
import textwrap
from collections import deque
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Protocol

from dockyard.model.errors import BuildError, ToolFailedError
from dockyard.model.events import Event, Progress
from dockyard.tools.docker import FINGERPRINT, KIND, BuildOptions

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from pathlib import Path

    from dockyard.model.events import Report

STEP = re.compile(r"#(?P<vertex>\d+) (?P<step>\[(?P<place>[^\]]+)\] .*)")
"""A step as BuildKit's plain progress names it: `#7 [build 3/9] RUN make`, or `#3 [internal] load .dockerignore`."""

COUNT = re.compile(r"(\d+)/(\d+)")
"""Which step of how many, in the place of one."""

ERROR = re.compile(r"#(?P<vertex>\d+) ERROR: (?P<text>.*)")
"""How a step failed: `#7 ERROR: process ... did not complete successfully: exit code: 2`."""

OUTPUT = re.compile(r"#(?P<vertex>\d+) (?P<seconds>\d+\.\d+) (?P<text>.*)")
"""A line that a step wrote: `#7 12.3 compiling`."""

STEP_WIDTH = 110
"""Characters of a step that are told: a RUN instruction may be a page long."""

TAIL = 15
"""Lines of a failed step that are shown."""


class Builder(Protocol):
    """What building asks of the Docker engine."""

    def build(self, context: Path, options: BuildOptions, *, on_line: Callable[[str], None]) -> None:
        """Build an image."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Recipe:
    """All that makes an image.

    Attributes:
        subject: Whom its events are about.
        reference: The name and tag it gets.
        context: The build context.
        dockerfile: The Dockerfile.
        arguments: Build arguments.
        kind: What Dockyard makes it as (image, node, standin).
        fingerprint: The SHA-256 of its sources.
        labels: More labels.
        ca_bundle: The machine's certificates, shown to RUN steps as the secret `ca`; they stay in no layer.
    """

    subject: str
    reference: str
    context: Path
    dockerfile: Path
    arguments: Mapping[str, str] = field(default_factory=dict)
    kind: str = "image"
    fingerprint: str = ""
    labels: Mapping[str, str] = field(default_factory=dict)
    ca_bundle: Path | None = None


def build(docker: Builder, recipe: Recipe, report: Report) -> None:
    """Build an image; each step is a passing event.

    Raises:
        BuildError: A step failed; its last lines are the reason.
        MachineError: The engine does not answer, or its disk is full.
    """

    def on_step(text: str, progress: Progress) -> None:
        report(Event(recipe.subject, "Building", text, passing=True, progress=progress))

    log = BuildLog(on_step)
    options = BuildOptions(
        dockerfile=recipe.dockerfile,
        tags=(recipe.reference,),
        arguments=recipe.arguments,
        labels={KIND: recipe.kind, FINGERPRINT: recipe.fingerprint, **recipe.labels},
        secrets=(f"id=ca,src={recipe.ca_bundle}",) if recipe.ca_bundle else (),
    )
    try:
        docker.build(recipe.context, options, on_line=log.feed)
    except ToolFailedError as error:
        raise BuildError(
            f"The image {recipe.reference} could not be built",
            why=log.failure() or error.stderr.strip().rpartition("\n")[2],
            fix=f"Correct {recipe.dockerfile.name} or its context, then run the same command again",
        ) from error


class BuildLog:
    """Reads BuildKit's plain progress: which step runs, and what the failing one wrote last."""

    def __init__(self, on_step: Callable[[str, Progress], None]) -> None:
        self._on_step = on_step
        self._steps: dict[str, str] = {}
        self._written: dict[str, deque[str]] = {}
        self._failed: re.Match[str] | None = None

    def feed(self, line: str) -> None:
        """Take one line of progress; the steps of the Dockerfile, which are numbered, are reported."""
        if step := STEP.match(line):
            self._steps[step["vertex"]] = step["step"]
            if count := COUNT.search(step["place"]):
                progress = Progress(int(count[1]), int(count[2]), "steps")
                self._on_step(textwrap.shorten(step["step"], STEP_WIDTH, placeholder=" ..."), progress)
        elif output := OUTPUT.match(line):
            self._written.setdefault(output["vertex"], deque(maxlen=TAIL)).append(output["text"])
        elif error := ERROR.match(line):
            self._failed = error

    def failure(self) -> str:
        """Return the step that failed and its last lines, or its error where it wrote none; empty where no step did."""
        if self._failed is None:
            return ""
        vertex = self._failed["vertex"]
        lines = self._written.get(vertex) or (self._failed["text"],)
        return "\n  ".join((self._steps.get(vertex, "The build"), *lines))
