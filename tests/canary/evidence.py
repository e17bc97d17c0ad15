"""All that commands left behind, by channel, and what a finder finds in it."""

from __future__ import annotations

import subprocess
import sys
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from scripts.trial import Run
from tests.canary.finder import Finder, Sampler, helm_said

PRINTED = ("stdout", "stderr", "json", "plan", "logs")
CHANNELS = (*PRINTED, "journal", "report", "files", "temp", "argv", "environ", "layers", "history", "helm")
"""Everywhere a secret could get out."""


@dataclass
class Evidence:
    """What commands left behind.

    Attributes:
        root: The project's folder.
        finder: What knows the secrets.
        sampler: What looked at processes and the temporary folder meanwhile.
        helm: The folder with the calls of Helm.
        temp: The temporary folder.
        spared: Files that hold secrets as they should.
        printed: What was printed, by channel.
        images: The images that were made.
    """

    root: Path
    finder: Finder
    sampler: Sampler
    helm: Path
    temp: Path
    spared: tuple[Path, ...] = ()
    printed: dict[str, list[tuple[str, bytes]]] = field(default_factory=lambda: defaultdict(list))
    images: list[str] = field(default_factory=list)

    def ran(self, what: str, run: Run, channel: str = "stdout") -> Run:
        """Keep what a command printed."""
        self.printed[channel].append((what, run.out.encode()))
        self.printed["stderr"].append((what, run.err.encode()))
        return run

    def size(self, channel: str) -> int:
        """Return how much there is to look at: a channel that is empty proves nothing."""
        match channel:
            case "argv" | "environ":
                return len(getattr(self.sampler, channel))
            case "layers" | "history":
                return len(self.images)
            case "helm":
                return len(list(self.helm.iterdir()))
            case "temp":
                return 1  # whether anything is there is the question
            case "journal" | "report":
                return self._file(channel).stat().st_size
            case "files":
                return sum(1 for _ in self.root.rglob("*"))
            case _:
                return sum(len(text) for _, text in self.printed[channel])

    def _file(self, channel: str) -> Path:
        return self.root / ".dockyard" / {"journal": "journal.jsonl", "report": "report.html"}[channel]

    def leaks(self, channel: str) -> list[str]:
        """Return where a secret is in a channel; the words hold nothing of it."""
        return list(self._leaks(channel))

    def _leaks(self, channel: str) -> Iterator[str]:
        match channel:
            case "argv" | "environ":
                for seen in getattr(self.sampler, channel):
                    if self.finder.has(seen):
                        yield f"{channel} of {seen.split(bytes(1))[0][:20]!r}"
            case "journal" | "report":
                if self.finder.has(self._file(channel).read_bytes()):
                    yield self._file(channel).name
            case "files":
                yield from self.finder.in_tree(self.root, but=self.spared)
            case "temp":
                yield from self.finder.in_tree(self.temp)
                for seen in self.sampler.temporary:
                    if self.finder.has(seen):
                        yield seen.split(bytes(1))[0].decode()
            case "layers":
                for image in self.images:
                    yield from self.finder.in_image(image)
            case "history":
                for image in self.images:
                    for argv in (["history", "--no-trunc", image], ["image", "inspect", image]):
                        said = subprocess.run(["docker", *argv], check=True, capture_output=True).stdout
                        if self.finder.has(said):
                            yield f"docker {argv[0]} {image}"
            case "helm":
                for call, said in helm_said(self.helm):
                    if self.finder.has(said):
                        yield f"helm {call}"
            case _:
                for what, text in self.printed[channel]:
                    if self.finder.has(text):
                        yield f"{channel} of {what}"


def printing(text: str, *, error: bool = False) -> list[str]:
    """Return the command of a program that prints a text, which is not in its arguments."""
    parts = [text[at : at + 4] for at in range(0, len(text), 4)]
    return [sys.executable, "-c", f"import sys; sys.std{'err' if error else 'out'}.write(''.join({parts!r}))"]
