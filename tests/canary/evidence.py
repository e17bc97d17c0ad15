"""All that commands left behind, by channel, and what a finder finds in it."""

from __future__ import annotations

import sys
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from dockyard.tools.process import run
from scripts.trial import Run
from tests.canary.finder import Finder, Sampler, helm_said

LIMIT = 60.0
PRINTED = ("stdout", "stderr", "json", "plan", "logs")
KEPT = {"journal": "journal.jsonl", "report": "report.html"}
CHANNELS = (*PRINTED, *KEPT, "files", "temp", "argv", "environ", "layers", "history", "helm")
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

    def ran(self, what: str, done: Run, channel: str = "stdout") -> Run:
        """Keep what a command printed."""
        self.printed[channel].append((what, done.out.encode()))
        self.printed["stderr"].append((what, done.err.encode()))
        return done

    def pieces(self, channel: str) -> Iterator[tuple[str, bytes]]:
        """Yield each piece that there is of a channel, by a name; trees and images are looked at where they are."""
        match channel:
            case "argv" | "environ":
                seen: set[bytes] = getattr(self.sampler, channel)
                yield from ((f"{channel} of {entry.split(bytes(1))[0][:20]!r}", entry) for entry in seen)
            case "journal" | "report":
                path = self.root / ".dockyard" / KEPT[channel]
                yield path.name, path.read_bytes()
            case "temp":
                yield from ((entry.split(bytes(1))[0].decode(), entry) for entry in self.sampler.temporary)
            case "history":
                for image in self.images:
                    for argv in (["history", "--no-trunc", image], ["image", "inspect", image]):
                        yield f"docker {argv[0]} {image}", run(["docker", *argv], timeout=LIMIT).stdout.encode()
            case "helm":
                yield from helm_said(self.helm)
            case _:
                yield from self.printed[channel]

    def size(self, channel: str) -> int:
        """Return how much there is to look at: a channel that is empty proves nothing."""
        if channel in {"files", "temp"}:
            return sum(
                1 for _ in self.root.rglob("*")
            )  # of the temporary folder: that it stays empty is what is wanted
        return len(self.images) if channel == "layers" else sum(len(content) for _, content in self.pieces(channel))

    def leaks(self, channel: str) -> list[str]:
        """Return where a secret is in a channel; the words hold nothing of it."""
        found = [name for name, content in self.pieces(channel) if self.finder.has(content)]
        if channel in {"files", "temp"}:
            found += self.finder.in_tree(self.root if channel == "files" else self.temp, but=self.spared)
        if channel == "layers":
            found += [member for image in self.images for member in self.finder.in_image(image)]
        return found


def printing(text: str, *, error: bool = False) -> list[str]:
    """Return the command of a program that prints a text, which is not in its arguments."""
    parts = [text[at : at + 4] for at in range(0, len(text), 4)]
    return [sys.executable, "-c", f"import sys; sys.std{'err' if error else 'out'}.write(''.join({parts!r}))"]
