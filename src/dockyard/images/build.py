"""Build one image with BuildKit, and report its progress."""

from __future__ import annotations

import re
import textwrap
from collections import deque
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Protocol

from dockyard.model.errors import BuildError, DockyardError, MachineError, ToolFailedError
from dockyard.model.events import Event, Progress
from dockyard.tools import stop
from dockyard.tools.docker import FINGERPRINT, KIND, BuildOptions

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from pathlib import Path

    from dockyard.model.events import Report

STEP = re.compile(r"#(?P<vertex>\d+) (?P<step>\[(?P<place>[^\]]+)\] .*)")
"""A step as BuildKit's plain progress names it: `#7 [build 3/9] RUN make`, or `#3 [internal] load .dockerignore`."""

COUNT = re.compile(r"(\d+)/(\d+)")
"""The number of a step and of all steps, in the place of one."""

ERROR = re.compile(r"#(?P<vertex>\d+) ERROR: (?P<text>.*)")
"""How a step failed: `#7 ERROR: process ... did not complete successfully: exit code: 2`."""

OUTPUT = re.compile(r"#(?P<vertex>\d+) (?P<seconds>\d+\.\d+) (?P<text>.*)")
"""A line that a step wrote: `#7 12.3 compiling`."""

COUNTED = re.compile(r"progress: (?P<done>\d+)/(?P<total>\d+) (?P<what>.+)")
"""How a RUN step reports its progress on a line of its own: `progress: 12/1234 k8s.io/api/core/v1`."""

STEP_WIDTH = 110
"""Characters of a step that are reported: a RUN instruction may be a page long."""

TAIL = 15
"""Lines of a failed step that are shown."""


class Builder(Protocol):
    """The Docker engine, as far as building uses it."""

    def build(self, context: Path, options: BuildOptions, *, on_line: Callable[[str], None]) -> None:
        """Build an image."""


def unchanged(text: str) -> str:
    """Return a text as it is: the redaction of a build without secrets in its output."""
    return text


def unexplained(_output: str) -> DockyardError | None:
    """Return None: the explanation of a build whose errors speak for themselves."""
    return None


@dataclass(frozen=True, slots=True, kw_only=True)
class BuildSpec:
    """Everything that an image is built from, and how its output is read.

    Attributes:
        subject: The subject of its events.
        reference: The name and tag it gets.
        context: The build context.
        dockerfile: The Dockerfile.
        arguments: Build arguments.
        kind: The value of its label `dev.dockyard.kind` (image, node, standin).
        fingerprint: The SHA-256 of its sources.
        labels: More labels.
        ca_bundle: The machine's own CA certificates, which RUN steps can mount as the secret `ca`.
        secrets: Further files that RUN steps can mount, by the ids of the secrets.
        counted: What `progress: DONE/TOTAL WHAT` lines of its RUN steps count.
        redact: Removes secrets from its output, before anything else reads that.
        explain: Turns the redacted output of a failed build into an error, or None if it knows none.
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
    secrets: Mapping[str, Path] = field(default_factory=dict)
    counted: str = "items"
    redact: Callable[[str], str] = unchanged
    explain: Callable[[str], DockyardError | None] = unexplained

    @property
    def options(self) -> BuildOptions:
        """The same for the Docker engine."""
        files = {**({"ca": self.ca_bundle} if self.ca_bundle else {}), **self.secrets}
        return BuildOptions(
            dockerfile=self.dockerfile,
            tags=(self.reference,),
            arguments=self.arguments,
            labels={KIND: self.kind, FINGERPRINT: self.fingerprint, **self.labels},
            secrets=tuple(f"id={name},src={path}" for name, path in files.items()),
        )


def build_image(docker: Builder, spec: BuildSpec, report: Report) -> None:
    """Build an image; its progress is passing events.

    Raises:
        BuildError: A step failed; its last lines are the reason.
        MachineError: The engine does not answer, or its disk is full.
        StoppedError: The user stopped it.
    """

    def on_progress(text: str, progress: Progress) -> None:
        report(Event(spec.subject, "Building", text, passing=True, progress=progress))

    log = BuildLog(on_progress, counted=spec.counted)
    try:
        docker.build(spec.context, spec.options, on_line=lambda line: log.feed(spec.redact(line)))
    except ToolFailedError as error:
        stop.check()  # BuildKit was stopped, and did not fail
        raise _failure(spec, log, spec.redact(error.stderr)) from None  # its own output is not redacted
    except MachineError as error:
        what, why, fix = (spec.redact(text) for text in (error.what, error.why, error.fix))
        raise MachineError(what, why=why, fix=fix) from None


def _failure(spec: BuildSpec, log: BuildLog, output: str) -> DockyardError:
    return spec.explain(output) or BuildError(
        f"The image {spec.reference} could not be built",
        why=log.failure() or output.strip().rpartition("\n")[2],
        fix=f"Correct {spec.dockerfile.name} or its context, then run the same command again",
    )


class BuildLog:
    """Reads BuildKit's plain progress: which step runs, how far it is, and the last lines of one that failed."""

    def __init__(self, on_progress: Callable[[str, Progress], None], *, counted: str = "items") -> None:
        """Make a log.

        Args:
            on_progress: Receives what is being done, and how far it is.
            counted: What `progress: DONE/TOTAL WHAT` lines count.
        """
        self._on_progress, self._unit = on_progress, counted
        self._steps: dict[str, str] = {}
        self._written: dict[str, deque[str]] = {}
        self._failed: re.Match[str] | None = None

    def feed(self, line: str) -> None:
        """Read one line; the numbered steps of the Dockerfile, and the progress within steps, are reported."""
        if step := STEP.match(line):
            self._steps[step["vertex"]] = step["step"]
            if count := COUNT.search(step["place"]):
                self._report(step["step"], count[1], count[2], "steps")
        elif output := OUTPUT.match(line):
            if counted := COUNTED.fullmatch(output["text"].strip()):
                self._report(counted["what"], counted["done"], counted["total"], self._unit)
            else:
                self._written.setdefault(output["vertex"], deque(maxlen=TAIL)).append(output["text"])
        elif error := ERROR.match(line):
            self._failed = error

    def failure(self) -> str:
        """Return the failed step and its last lines, or its error if it wrote none; empty if no step failed."""
        if self._failed is None:
            return ""
        vertex = self._failed["vertex"]
        lines = self._written.get(vertex) or (self._failed["text"],)
        return "\n  ".join((self._steps.get(vertex, "The build"), *lines))

    def _report(self, text: str, done: str, total: str, unit: str) -> None:
        short = textwrap.shorten(text, STEP_WIDTH, placeholder=" ...")
        self._on_progress(short, Progress(int(done), int(total), unit))
