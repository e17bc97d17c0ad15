"""Machine: make it ready, and prove the project on it."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

from invoke.tasks import task

from dockyard.cli.support import on_screen

if TYPE_CHECKING:
    from invoke.context import Context


@task(help={"check": "only report; exit code 1 when something is missing"})
def setup(_context: Context, *, check: bool = False) -> None:
    """Make the machine ready: Docker engine, helm, kubectl, .env; a second run changes nothing."""
    from pathlib import Path

    from invoke.exceptions import Exit

    from dockyard import credentials
    from dockyard.machine import setup as machine
    from dockyard.root import find_root

    with on_screen() as screen:
        root = find_root(Path.cwd())
        found = machine.observe(root)
        changes = not all(requirement.ok for requirement in found)
        if changes and not check:
            found = machine.apply(root, found, screen.report)
        made = not check and credentials.make_first(root)
        secrets = "made from .env.example" if made else "-"
        rows = [(entry.name, entry.wanted, entry.found or "missing", entry.action or "-") for entry in found]
        rows.append((".env", "values of secrets", "there" if credentials.is_there(root) else "missing", secrets))
        screen.table(("requirement", "wanted", "found", "to do" if check else "done"), rows)
        if not all(entry.ok for entry in found) or not credentials.is_there(root):
            raise Exit(code=1)
        screen.say("The machine is ready." if changes or made else "The machine is ready; nothing was changed.")


@task
def test(_context: Context) -> None:
    """Run every gate: lint, unit, services, charts, image_size, smoke, e2e."""
    from pathlib import Path

    from invoke.exceptions import Exit

    from dockyard.tools.process import attach

    code = attach([str(Path(sys.executable).with_name("nox"))], path=Path(sys.executable).parent)
    if code:
        raise Exit(code=code)
