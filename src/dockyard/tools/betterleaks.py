"""Betterleaks, as a program: finds texts that look like secrets by some hundred rules. It asks nobody about them.

It comes with the gates' own dependencies; where it is not installed, nothing is found.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from dockyard.tools.process import run

if TYPE_CHECKING:
    from collections.abc import Iterator

LIMIT = 120.0
"""Seconds for a whole repository; two megabytes take one."""

OFFLINE = {"BETTERLEAKS_VALIDATE": "false", "BETTERLEAKS_ANALYZE": "false"}
"""It can ask providers whether a secret is valid: never from here."""


@dataclass(frozen=True, slots=True)
class Leak:
    """A text that looks like a secret.

    Attributes:
        path: The file, below the folder that was looked at.
        line: Its line, from 1.
        rule: The id of the rule, `github-pat` say.
    """

    path: str
    line: int
    rule: str


class Betterleaks:
    """The program, wherever it is."""

    def __init__(self, program: Path) -> None:
        self._program = program

    def scan(self, folder: Path) -> tuple[Leak, ...]:
        """Return what looks like a secret in the files of a folder; what is seldom one is left out.

        Raises:
            ToolFailedError: It does not work.
        """
        if not self._program.exists():
            return ()
        argv = [str(self._program), "fs", ".", "--silent", "--log-level=error", "--confidence=medium"]
        done = run([*argv, "--output=-", "--exit-code=0"], timeout=LIMIT, cwd=folder, environment=OFFLINE)
        return tuple(_leaks(json.loads(done.stdout)))


def _leaks(report: dict[str, list[dict[str, dict[str, object]]]]) -> Iterator[Leak]:
    for found in report["findings"]:
        place = found["location"]
        yield Leak(Path(str(place["path"])).as_posix(), int(str(place["start_line"])), str(found["rule_id"]))
