"""Measures what the README says of times and writes it there: `times.py [--cold]`.

Without --cold only what a ready machine does is measured, and the cold figures stay as they are. With it, everything
that Dockyard made is removed first: environment, programs, cluster, database, every image with its label, and the
engine's whole build cache. Run it where that can be spared.
"""

from __future__ import annotations

import platform
import re
import shutil
import subprocess
import sys
import time
from datetime import UTC, datetime
from pathlib import Path

ROOT = Path(__file__).parents[1]
README = ROOT / "README.md"
KIND = "label=dev.dockyard.kind"

WARM = (
    ("`./inv` (the list of tasks)", ("./inv",)),
    ("`./inv setup`, nothing to do", ("./inv", "setup")),
    ("`./inv deploy`, nothing changed", ("./inv", "deploy")),
    ("`./inv destroy`", ("./inv", "destroy")),
    ("`./inv deploy`, images there, nothing installed", ("./inv", "deploy")),
    ("`./inv cluster.stop`", ("./inv", "cluster.stop")),
    ("`./inv cluster.start`, with its state", ("./inv", "cluster.start")),
    ("`./inv cluster.delete`", ("./inv", "cluster.delete")),
    ("`./inv cluster.start`, a new one", ("./inv", "cluster.start")),
    ("`./inv setup deploy`, warm, new cluster", ("./inv", "setup", "deploy")),
)
COLD = (
    ("`./inv setup deploy`, cold", ("./inv", "setup", "deploy")),
    ("`./inv setup test`, after that", ("./inv", "setup", "test")),
)


def main() -> None:
    """Measure and write."""
    rows = dict(_rows(README.read_text(encoding="utf-8")))
    chosen = (*COLD, *WARM) if "--cold" in sys.argv[1:] else WARM
    if chosen is not WARM:
        make_cold()
    if chosen is WARM:
        seconds(("./inv", "deploy"))  # another checkout, with another .env, may have deployed last
    for name, command in chosen:
        rows[name] = f"{seconds(command):.1f} s"
        sys.stdout.write(f"{name}: {rows[name]}\n")
    order = [name for name, _ in (*COLD, *WARM)]
    table = "\n".join(f"| {name} | {rows[name]} |" for name in order if name in rows)
    said = f"Measured by `scripts/times.py` on {machine()}, {datetime.now(UTC):%Y-%m-%d}."
    write(f"{said}\n\n| what | time |\n|---|---|\n{table}")


def make_cold() -> None:
    """Remove what Dockyard made on this machine."""
    for command in (("./inv", "cluster.delete"), ("./inv", "db.stop", "--remove")):
        subprocess.run(command, cwd=ROOT, check=True)  # noqa: S603
    images = _output("docker", "image", "ls", "--quiet", "--filter", KIND).split()
    if images:
        subprocess.run(("docker", "image", "rm", "--force", *dict.fromkeys(images)), check=True)  # noqa: S603, S607
    subprocess.run(("docker", "builder", "prune", "--all", "--force"), check=True)  # noqa: S607
    for folder in (".venv", ".tools", ".dockyard", ".nox"):
        shutil.rmtree(ROOT / folder, ignore_errors=True)


def seconds(command: tuple[str, ...]) -> float:
    """Run a command to its end and return how long it took."""
    start = time.monotonic()
    subprocess.run(command, cwd=ROOT, check=True, stdin=subprocess.DEVNULL)  # noqa: S603
    return time.monotonic() - start


def write(text: str) -> None:
    """Put text between the two comments in the README."""
    content = README.read_text(encoding="utf-8")
    pattern = re.compile(r"(<!-- times -->).*(<!-- /times -->)", re.DOTALL)
    README.write_text(pattern.sub(lambda match: f"{match[1]}\n{text}\n{match[2]}", content), encoding="utf-8")


def _rows(text: str) -> list[tuple[str, str]]:
    table = re.search(r"<!-- times -->(.*)<!-- /times -->", text, re.DOTALL)
    return re.findall(r"^\| (.+) \| (.+ s) \|$", table[1] if table else "", re.MULTILINE)


def machine() -> str:
    """Return what this machine is, in a few words."""
    memory = re.search(r"MemTotal:\s+(\d+)", Path("/proc/meminfo").read_text(encoding="utf-8"))
    cores = _output("nproc").strip()
    return f"{cores} cores, {int(memory[1]) / 1e6 if memory else 0:.0f} GB, {platform.system()} {platform.machine()}"


def _output(*command: str) -> str:
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout  # noqa: S603


if __name__ == "__main__":
    main()
