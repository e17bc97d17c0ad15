"""A copy of the project on a cluster of its own, and what tests do to both."""

from __future__ import annotations

import json
import os
import re
import shutil
import signal
import subprocess
import time
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from dockyard.cli.wiring import open_workspace
from dockyard.releases.site import Site, connect
from dockyard.tools.docker import Docker

if TYPE_CHECKING:
    from collections.abc import Iterator

ROOT = Path(__file__).parents[1]
COPIED = ("backend", "dockerfiles", "frontend", "helm", "scripts")
PROFILE = "trial"
CLUSTER = "dockyard-trial"
"""The cluster of that profile."""

LIMIT = 300
"""Seconds that a command may take at most."""

FIND = """
import os, sys
for pid in filter(str.isdigit, os.listdir("/proc")):
    if sys.argv[1] in open(f"/proc/{pid}/cmdline").read().split("\\0")[0]:
        print(pid)
"""
"""A program that prints the ids of the processes whose own name has a word in it."""


class TrialError(Exception):
    """What a trial needs did not work."""


def expect(holds: bool, text: str) -> None:  # noqa: FBT001 - the only thing that it is given
    """Go on where something holds.

    Raises:
        TrialError: It does not.
    """
    if not holds:
        raise TrialError(text)


@dataclass(frozen=True)
class Run:
    """How a command ended.

    Attributes:
        code: Its exit code; negative for a signal.
        out: What it wrote to standard output.
        err: What it wrote to standard error.
        seconds: How long it took.
    """

    code: int
    out: str
    err: str
    seconds: float


@dataclass
class Trial:
    """The copy of the project, and its cluster.

    Attributes:
        root: The copy's folder.
        environment: What its commands run with.
        cluster: The name of its cluster.
    """

    root: Path
    environment: dict[str, str]
    cluster: str = CLUSTER

    @classmethod
    def copied(cls, root: Path, *, cluster: str = CLUSTER) -> Trial:
        """Make a copy in an empty folder, for a cluster of that name."""
        trial = cls(root, {**os.environ, "DOCKYARD_PROFILE": PROFILE, "CI": "true"}, cluster)
        trial.restore()
        (root / ".tools").symlink_to(ROOT / ".tools")
        if (ROOT / ".env").is_file():
            shutil.copy(ROOT / ".env", root)
        return trial

    def start(self, *argv: str, before: tuple[str, ...] = ()) -> subprocess.Popen[str]:
        """Start a task in a process group of its own, without a terminal."""
        return subprocess.Popen(  # noqa: S603 - an argv list
            [*before, str(ROOT / "inv"), *argv],
            cwd=self.root,
            env=self.environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            start_new_session=True,
        )

    @staticmethod
    def await_word(started: subprocess.Popen[str], word: str) -> str:
        """Wait until a task has written a word to standard error; return what it wrote so far."""
        lines = []
        for line in started.stderr or ():
            lines.append(line)
            if word in line:
                break
        return "".join(lines)

    def finish(self, started: subprocess.Popen[str], *, since: float | None = None) -> Run:
        """Wait for a task."""
        start = time.monotonic() if since is None else since
        out, err = started.communicate(timeout=LIMIT)
        return Run(started.returncode, out, err, time.monotonic() - start)

    def inv(self, *argv: str, before: tuple[str, ...] = ()) -> Run:
        """Run a task to its end."""
        since = time.monotonic()
        return self.finish(self.start(*argv, before=before), since=since)

    def deploy(self, *argv: str) -> Run:
        """Deploy, and expect that it goes well."""
        done = self.inv("deploy", *argv)
        expect(done.code == 0, done.err)
        return done

    def states(self) -> dict[str, str]:
        """Return the state of each release."""
        done = self.inv("status", "--json")
        expect(done.code == 0, done.err)
        return {row["release"]: row["state"] for row in json.loads(done.out)}

    def url(self, service: str) -> str:
        """Return where a service is reached."""
        found: dict[str, str] = json.loads(self.inv("url", "--json").out)
        return found[service]

    def site(self) -> Site:
        """Return the cluster, for a look behind the scenes."""
        return connect(open_workspace(self.root, profile=PROFILE))

    @property
    def node(self) -> str:
        """The node's container."""
        return open_workspace(self.root, profile=PROFILE).cluster.name

    def change(self, release: str, level: str) -> None:
        """Set the log level of a release's configuration: its ConfigMap changes and its pods roll."""
        self.edit(
            "dockyard.yaml",
            rf"(  {release}:\n    chart: helm/{release}\n)(    config: .*\n)?",
            rf"\1    config: {{ LOG_LEVEL: {level} }}\n",
        )

    def values(self, release: str, *files: str) -> None:
        """Give a release values files, or none."""
        line = f"    values: [{', '.join(files)}]\n" if files else ""
        self.edit("dockyard.yaml", rf"(  {release}:\n    chart: helm/{release}\n)(    values: .*\n)?", rf"\1{line}")

    def edit(self, name: str, pattern: str, replacement: str) -> None:
        """Replace text in a file of the copy; it must be there."""
        path = self.root / name
        text, count = re.subn(pattern, replacement, path.read_text(encoding="utf-8"), count=1)
        expect(count == 1, f"{name} has no {pattern}")
        path.write_text(text, encoding="utf-8")

    def touch_source(self, service: str, line: str) -> None:
        """Add a unique line to the sources of backend or mcp, so that the image is built anew."""
        path = self.root / "backend" / "src" / f"todo_{service}" / "__init__.py"
        path.write_text(f"{path.read_text(encoding='utf-8')}\n# {line} {time.time_ns()}\n", encoding="utf-8")

    def restore(self) -> None:
        """Bring the copy back to what the repository has."""
        for name in COPIED:
            shutil.rmtree(self.root / name, ignore_errors=True)
            shutil.copytree(ROOT / name, self.root / name, ignore=shutil.ignore_patterns("node_modules", "__pycache__"))
        shutil.copy(ROOT / "dockyard.yaml", self.root)
        self.edit("dockyard.yaml", f"name: {CLUSTER}", f"name: {self.cluster}")

    def in_node(self, *argv: str) -> str:
        """Run a program in the node."""
        return Docker().execute(self.node, list(argv)).stdout.strip()

    def pids(self, component: str) -> list[str]:
        """Return the ids that a component's processes have in the node."""
        return self.in_node("python3", "-c", FIND, component).split()

    @contextmanager
    def frozen(self, component: str) -> Iterator[None]:
        """Stop a component of the node for a block: it is there and does not answer."""
        pids = self.pids(component)
        expect(bool(pids), f"{component} does not run")
        self.in_node("kill", "-STOP", *pids)
        try:
            yield
        finally:
            self.in_node("kill", "-CONT", *pids)


@dataclass
class Seen:
    """What the tests saw, for the report.

    Attributes:
        rows: By fault: what was done, what happened, and how often.
    """

    rows: dict[str, dict[str, Any]] = field(default_factory=dict)

    def note(self, fault: str, outcome: str, *, runs: int = 1, held: int = 1) -> None:
        """Keep the outcome of a fault.

        Args:
            fault: What was done.
            outcome: What Dockyard did.
            runs: How often it was tried.
            held: How often that went as promised.
        """
        self.rows[fault] = {"outcome": outcome, "runs": runs, "held": held}


def kill(started: subprocess.Popen[str], *, group: bool) -> None:
    """Kill a task, alone or with every program that works for it; its own process group, made by `start`."""
    with suppress(ProcessLookupError):
        if group:
            os.killpg(started.pid, signal.SIGKILL)
        else:
            os.kill(started.pid, signal.SIGKILL)
    started.communicate(timeout=LIMIT)
