"""Writes the figures in docs/app.md: sizes of the newest images, and what the smoke tests measured last.

Run it behind `nox -s smoke`, on a machine that does nothing else: `python -m scripts.app_doc`.
"""

from __future__ import annotations

import json
import re
import sys
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

from scripts.times import machine

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

ROOT = Path(__file__).parents[1]
PAGE = ROOT / "docs" / "app.md"
MEASURED = ROOT / ".dockyard" / "smoke.json"

SERVICES = ("mcp", "backend", "frontend")


def main() -> None:
    """Read what was measured, and write it."""
    if not MEASURED.exists():
        sys.exit(f"{MEASURED} is missing: run `nox -s smoke` first")
    figures = json.loads(MEASURED.read_text(encoding="utf-8"))
    table = "\n".join(f"| {what} | {figure} |" for what, figure in rows(figures, sizes()))
    said = f"Measured by `nox -s smoke` and `python -m scripts.app_doc` on {machine()}, {datetime.now(UTC):%Y-%m-%d}."
    write(f"{said}\n\n| what | figure |\n|---|---|\n{table}")


def sizes() -> Mapping[str, int]:
    """Return the size in bytes of the image that each release runs."""
    from dockyard.cli.wiring import open_workspace  # noqa: PLC0415 - only here is a workspace needed
    from dockyard.releases.site import connect  # noqa: PLC0415

    workspace = open_workspace(ROOT)
    deployments = connect(workspace).api.list("Deployment")
    found = {}
    for service in SERVICES:
        (one,) = (entry for entry in deployments if entry["metadata"]["name"] == f"ai-todo-{service}-deployment")
        image = workspace.docker.image(one["spec"]["template"]["spec"]["containers"][0]["image"])
        found[service] = image.size if image else 0
    return found


def rows(figures: Mapping[str, float], sizes: Mapping[str, int]) -> Iterator[tuple[str, str]]:
    """Yield the rows of the table: what, and the figure with its unit."""
    for service in SERVICES:
        yield f"image of {service}, uncompressed layers", f"{sizes[service] / 1e6:.1f} MB"
    yield "all three", f"{sum(sizes.values()) / 1e6:.1f} MB"
    calls = f"{figures['tool call calls']:.0f} tool calls by 10 people who chat at once"
    for name in ("median", "p95", "max"):
        yield f"{calls}, {name}", f"{figures[f'tool call {name}']:.0f} ms"
    for service in SERVICES:
        yield f"a pod of {service} killed, until the whole app serves again", f"{figures[f'{service} replaced']:.1f} s"
    for service in SERVICES:
        asked = figures[f"{service} requests in an update"]
        yield f"requests lost while every pod of {service} is replaced", f"0 of {asked:.0f}"


def write(text: str) -> None:
    """Put text between the two comments in the page."""
    content = PAGE.read_text(encoding="utf-8")
    pattern = re.compile(r"(<!-- figures -->).*(<!-- /figures -->)", re.DOTALL)
    PAGE.write_text(pattern.sub(lambda match: f"{match[1]}\n{text}\n{match[2]}", content), encoding="utf-8")


if __name__ == "__main__":
    main()
