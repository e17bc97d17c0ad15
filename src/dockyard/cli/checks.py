"""Checks: charts, values, Dockerfiles."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

from invoke.tasks import task

from dockyard.cli.support import on_screen

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from invoke.context import Context

    from dockyard.checks.finding import Check, Finding
    from dockyard.checks.subject import Subject
    from dockyard.model.redaction import Redactor


@task(
    iterable=["only"],
    help={
        "json": "print JSON for machines",
        "sarif": "write SARIF 2.1.0 to this file",
        "only": "make only the check of this id; may be given several times",
        "strict": "exit code 1 on warnings too",
        "profile": "overlay of dockyard.yaml",
    },
)
def check(
    _context: Context,
    only: Sequence[str] | None = None,
    sarif: str = "",
    profile: str | None = None,
    *,
    json: bool = False,
    strict: bool = False,
) -> None:
    """Look for what would keep a release from starting, before any cluster is touched."""
    from invoke.exceptions import Exit

    looking, redactor = _look(profile)
    with on_screen() as screen:
        screen.hide(redactor)
        from dockyard.checks.catalogue import every_check, run_checks
        from dockyard.checks.finding import Severity
        from dockyard.ui.findings import print_findings

        there = every_check()
        subject, chosen = looking(), tuple(dict.fromkeys(only or ()))
        off = {} if chosen else subject.project.checks.disabled
        findings = run_checks(subject, without=off, only=chosen)
        made = {id_: entry for id_, entry in there.items() if id_ not in off and (not chosen or id_ in chosen)}
        if sarif:
            _write_sarif(sarif, findings, made, redactor)
        if json:
            screen.data({"findings": [_as_json(finding) for finding in findings], "disabled": dict(off)})
        else:
            looked_at = f"{_count(len(subject.releases), 'release')} and {_count(len(subject.images), 'image')}"
            print_findings(screen, findings, made, off=off, looked_at=looked_at)
        if any(strict or finding.severity is Severity.ERROR for finding in findings):
            raise Exit(code=1)


def _look(profile: str | None) -> tuple[Callable[[], Subject], Redactor]:
    """Begin to gather what checks look at, so that Helm renders while screen and checks are imported.

    Returns:
        What waits for it, and raises what went wrong; and what knows the secrets that were read.
    """
    from concurrent.futures import ThreadPoolExecutor

    from dockyard.checks.gather import look
    from dockyard.cli.wiring import open_workspace
    from dockyard.model.errors import DockyardError
    from dockyard.model.redaction import Redactor

    def fail(error: Exception) -> Subject:
        raise error

    try:
        workspace = open_workspace(profile=profile)
    except (DockyardError, OSError) as error:
        return partial(fail, error), Redactor()
    return ThreadPoolExecutor(1).submit(look, workspace, repository=True).result, workspace.redactor


def _write_sarif(file: str, findings: Sequence[Finding], made: Mapping[str, Check], redactor: Redactor) -> None:
    import json
    from importlib.metadata import version
    from pathlib import Path

    from dockyard.checks.sarif import sarif

    log = redactor.data(sarif(findings, made, version=version("dockyard")))
    Path(file).write_text(json.dumps(log, indent=2) + "\n", encoding="utf-8")


def _as_json(finding: Finding) -> dict[str, object]:
    place = finding.place
    return {
        "check": finding.check,
        "severity": finding.severity.value,
        "release": finding.release,
        "file": place.file,
        "line": place.line,
        "path": place.path,
        "message": finding.message,
    }


def _count(number: int, thing: str) -> str:
    return f"{number} {thing}{'' if number == 1 else 's'}"
