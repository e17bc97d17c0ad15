"""Go, as a program: its settings on this machine."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING

from dockyard.model.errors import ToolError
from dockyard.tools.process import run

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

QUICK = 15.0
"""Seconds for a call."""


def settings(names: Sequence[str]) -> Mapping[str, str]:
    """Return settings as `go env` shows them: from the environment, Go's own file, or its defaults.

    They are empty if Go is not installed, or does not answer. No toolchain is downloaded for the answer, and the
    current folder does not matter.
    """
    try:
        done = run(["go", "env", "-json", *names], timeout=QUICK, environment={"GOTOOLCHAIN": "local"}, cwd=Path("/"))
        found: Mapping[str, str] = json.loads(done.stdout)
    except (ToolError, ValueError):
        return {}
    return found
