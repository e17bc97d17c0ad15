"""Writes docs/reliability.md from what the tests of `nox -s reliability` saw."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from scripts.bench import machine
from scripts.trial import ROOT

if TYPE_CHECKING:
    from collections.abc import Mapping

SEEN = ROOT / ".dockyard" / "reliability.json"
OUT = ROOT / "docs" / "reliability.md"


def page(seen: Mapping[str, Mapping[str, Any]]) -> str:
    """Return docs/reliability.md."""
    rows = "\n".join(
        f"| {fault} | {row['outcome']} | {row['runs']} | {row['held']} |" for fault, row in sorted(seen.items())
    )
    return f"""# Reliability

Written by `nox -s reliability` (`tests/reliability`, `scripts/reliability.py`) on {machine()},
{datetime.now(UTC):%Y-%m-%d}. Everything was done to a copy of this project on a cluster of its own, with real Docker,
Helm and Kubernetes. A deploy that does not hold fails the session.

| what was done | what Dockyard did | tried | held |
|---|---|---|---|
{rows}

The embedded cluster's etcd does not wait for the disk, so that it starts fast: a power cut may cost its last second. A
deploy after it mends what that leaves behind, as after any other fault.
"""


def main() -> None:
    """Write the page."""
    OUT.write_text(page(json.loads(SEEN.read_text(encoding="utf-8"))), encoding="utf-8")


if __name__ == "__main__":
    main()
