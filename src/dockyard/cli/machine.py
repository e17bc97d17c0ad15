"""Machine: make it ready, and prove the project on it."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

from invoke.tasks import task

from dockyard.cli.support import on_screen

if TYPE_CHECKING:
    from pathlib import Path

    from invoke.context import Context

    from dockyard.ui.screen import Screen


@task(help={"check": "only report; exit code 1 when something is missing"})
def setup(_context: Context, *, check: bool = False) -> None:
    """Make the machine ready: Docker engine, helm, kubectl, .env; a second run changes nothing."""
    from pathlib import Path

    from invoke.exceptions import Exit

    from dockyard.machine import setup as machine
    from dockyard.root import find_root

    with on_screen() as screen:
        root = find_root(Path.cwd())
        found = machine.observe(root)
        changes = not all(requirement.ok for requirement in found)
        if changes and not check:
            _hide_secrets(screen, root)
            found = machine.apply(root, found, screen.report)
        secrets = _first_env(root, check=check)
        rows = [(entry.name, entry.wanted, entry.found or "missing", entry.action or "-") for entry in found]
        screen.table(("requirement", "wanted", "found", "to do" if check else "done"), [*rows, secrets])
        if not all(entry.ok for entry in found) or secrets[2] == "missing":
            raise Exit(code=1)
        made = changes or secrets[3] != "-"
        screen.say("The machine is ready." if made else "The machine is ready; nothing was changed.")


def _hide_secrets(screen: Screen, root: Path) -> None:
    """Take the project's secrets out of the environment of what is installed and started, and out of what it prints.

    Only here, where something is missing: to read dockyard.yaml takes half as long as a second run may.

    Raises:
        ConfigError: dockyard.yaml cannot be used.
    """
    from dockyard import config, credentials
    from dockyard.model.redaction import Redactor

    project = config.load(root)
    credentials.take(project.secrets())
    screen.hide(Redactor(credentials.TAKEN, words=project.names()))


def _first_env(root: Path, *, check: bool) -> tuple[str, str, str, str]:
    """Make a .env where secrets are asked for and there is none; return the row that says so."""
    from dockyard import config, credentials

    row, wanted = credentials.FILE, "values of secrets"
    if credentials.is_there(root):  # the second run, which is timed, does not even read dockyard.yaml
        return row, wanted, "there", "-"
    project = config.load(root)
    if not project.secrets():
        return row, "nothing: no secrets", "-", "-"
    if check:
        return row, wanted, "missing", "make it"
    made = credentials.make_first(root, project)
    return row, wanted, "there" if made is not None else "missing", "made" if made is not None else "-"


@task
def test(_context: Context) -> None:
    """Run every gate: lint, unit, services, frontend, charts, image_size, smoke, e2e."""
    import os
    from pathlib import Path

    from invoke.exceptions import Exit

    from dockyard import credentials
    from dockyard.tools.process import attach

    os.environ.update(credentials.TAKEN)  # the gates are tasks of their own, with secrets of their own
    code = attach([str(Path(sys.executable).with_name("nox"))], path=Path(sys.executable).parent)
    if code:
        raise Exit(code=code)
