"""Secrets: make them, judge them, keep them out of Git."""

from __future__ import annotations

from typing import TYPE_CHECKING

from invoke.tasks import task

from dockyard.cli.support import on_screen

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from invoke.context import Context

    from dockyard.credentials import Survey
    from dockyard.model.project import Project
    from dockyard.ui.screen import Screen

PROFILE = {"profile": "overlay of dockyard.yaml"}
JSON = {"json": "print JSON for machines"}


@task(help=PROFILE)
def init(_context: Context, profile: str | None = None) -> None:
    """Make a first .env, readable by you alone, with random values where any will do."""
    from dockyard import credentials

    with on_screen() as screen:
        root, project = _project(profile)
        made = credentials.make_first(root, project)
        if made is None:
            screen.say(f"{credentials.FILE} is there; nothing was changed. `./inv secrets.check` says what it lacks.")
            return
        screen.say(f"{credentials.FILE} is made, with random values of: {', '.join(made) or 'nothing'}.")
        if others := [name for name in project.secrets() if name not in made]:
            screen.say(f"Fill in what you have of: {', '.join(others)}.")


@task(help={**JSON, **PROFILE, "strict": "exit code 1 on weak values, and on a .env that others may read, too"})
def check(_context: Context, profile: str | None = None, *, json: bool = False, strict: bool = False) -> None:
    """Tell which secrets are missing, placeholders, weak or of the wrong form; no value is shown."""
    from invoke.exceptions import Exit

    from dockyard import credentials
    from dockyard.model.redaction import Redactor

    with on_screen() as screen:
        root, project = _project(profile)
        found = credentials.survey(project, root, credentials.environment())
        there = {name: one.value for name, one in found.found.items() if one.value}
        screen.hide(Redactor(there, words=project.names()))
        if json:
            screen.data({"secrets": _rows(found), "exposure": found.exposure})
        else:
            _print(screen, found)
        wrong = any(strict or fault.stops for fault in found.faults)
        if wrong or (strict and found.exposure):
            raise Exit(code=1)


@task(help=PROFILE)
def example(_context: Context, profile: str | None = None) -> None:
    """Write .env.example from what dockyard.yaml declares."""
    from dockyard import credentials

    with on_screen() as screen:
        root, project = _project(profile)
        text, path = credentials.example(project), root / credentials.EXAMPLE
        if path.is_file() and path.read_text(encoding="utf-8") == text:
            screen.say(f"{path.name} is what dockyard.yaml declares; nothing was changed.")
        else:
            path.write_text(text, encoding="utf-8")
            screen.say(f"{path.name} is written.")


@task(help=PROFILE)
def scan(_context: Context, profile: str | None = None) -> None:
    """Look for secrets and .env files in what the next commit would hold, as a pre-commit hook does."""
    from invoke.exceptions import Exit

    from dockyard import credentials

    with on_screen() as screen:
        root, project = _project(profile)
        from dockyard.checks import tracking
        from dockyard.checks.catalogue import every_check, run_checks
        from dockyard.checks.subject import Subject
        from dockyard.model.redaction import Redactor
        from dockyard.ui.findings import print_findings

        values = credentials.read(root, credentials.environment(), project.secrets())
        screen.hide(Redactor(values, words=project.names()))
        credentials.take(project.secrets())
        looked_at = Subject(project=project, releases=(), tracked=tracking.look(root, values))
        made = {id_: entry for id_, entry in every_check().items() if id_ in {"DY901", "DY902"}}
        findings = run_checks(looked_at, without={}, only=tuple(made))
        print_findings(screen, findings, made, off={}, looked_at="what the next commit would hold")
        if findings:
            raise Exit(code=1)


@task(
    help={
        "name": "the secret",
        **PROFILE,
        "wait_lock": "seconds to wait for another deploy to end",
        "json": "print each event as a line of JSON",
    },
    positional=["name"],
)
def rotate(
    _context: Context, name: str, profile: str | None = None, wait_lock: str = "0", *, json: bool = False
) -> None:
    """Give a secret a new random value, deploy what uses it, and go back where that does not become Ready."""
    from dockyard.cli.app import refuse_errors
    from dockyard.cli.report import print_urls
    from dockyard.cli.support import at_work, default_jobs, name_of, told, whole_number
    from dockyard.cli.wiring import options
    from dockyard.deploy import rotate as rotation

    with at_work(profile, json=json) as (screen, workspace):
        names = rotation.concerned(workspace, name_of("secret", name))
        how = options(jobs=default_jobs(), wait_lock=whole_number("wait-lock", wait_lock))
        with told(screen, "secrets.rotate", names):
            done = rotation.rotate(workspace, name, screen.report, how, gate=refuse_errors)
        if not json:
            screen.say(f"{name} has a new value in .env; {', '.join(done.releases) or 'no release'} took it.")
            print_urls(screen, [served for entry in done.deployed for served in entry.served])


def _project(profile: str | None) -> tuple[Path, Project]:
    """Return the project that the current folder is in; neither engine nor cluster is looked for."""
    import os
    from pathlib import Path

    from dockyard import config
    from dockyard.root import find_root

    root = find_root(Path.cwd())
    return root, config.load(root, profile or os.environ.get("DOCKYARD_PROFILE") or None)


def _rows(found: Survey) -> list[Mapping[str, object]]:
    faults = {fault.secret: fault for fault in found.faults}
    return [
        {
            "name": name,
            "releases": list(secret.releases),
            "required": bool(secret.required_by),
            "source": found.found[name].source,
            "characters": len(found.found[name].value or ""),
            "fault": faults[name].kind.value if name in faults else "",
            "message": faults[name].message if name in faults else "",
        }
        for name, secret in found.secrets.items()
    ]


def _print(screen: Screen, found: Survey) -> None:
    columns = ("secret", "releases", "from", "value", "finding")
    cells = []
    for row in _rows(found):
        name, characters = str(row["name"]), row["characters"]
        later = name in found.provided and not characters
        source = "development database" if later else row["source"] or "-"
        value = f"*** ({characters} characters)" if characters else "-"
        told = row["message"] or ("" if row["required"] or characters else "not required")
        cells.append((name, ", ".join(found.secrets[name].releases), source, value, told))
    screen.table(columns, cells)
    for fault in found.faults:
        if fault.secret not in found.secrets:
            screen.say(f"{fault.secret} {fault.message} (for {', '.join(fault.releases)}).")
    if found.exposure:
        screen.say(f"{found.exposure}.")
