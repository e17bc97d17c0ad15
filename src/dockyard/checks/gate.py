"""The gate of a deploy: what checks call an error is not sent to a cluster."""

from __future__ import annotations

from typing import TYPE_CHECKING

from dockyard.checks.catalogue import every_check, run_checks
from dockyard.checks.finding import Severity
from dockyard.checks.gather import look
from dockyard.model.errors import RefusedError
from dockyard.model.events import Event

if TYPE_CHECKING:
    from collections.abc import Mapping

    from dockyard.checks.finding import Finding
    from dockyard.model.events import Report
    from dockyard.workspace import Workspace


def refuse_errors(  # noqa: PLR0913 - as a gate is called
    workspace: Workspace,
    names: tuple[str, ...],
    references: Mapping[str, str],
    report: Report,
    *,
    kubernetes_version: str,
    strict: bool = False,
) -> None:
    """Run every check on the releases that are to be sent, and report warnings.

    Args:
        workspace: What to work with.
        names: The releases.
        references: `name:tag` of the images, by name.
        report: Receives the warnings.
        kubernetes_version: Version of the cluster that they are sent to.
        strict: Whether warnings are refused too.

    Raises:
        RefusedError: A check found an error; the message lists them all.
    """
    subject = look(workspace, kubernetes_version=kubernetes_version, references=references)
    disabled = workspace.project.checks.disabled
    found = [one for one in run_checks(subject, without=disabled) if one.release in {"", *names}]
    refused = [one for one in found if strict or one.severity is Severity.ERROR]
    for one in found:
        if one not in refused:
            report(Event("checks", "Warning", _line(one)))
    if refused:
        raise refusal(refused)


def refusal(found: list[Finding]) -> RefusedError:
    """Return the error that lists what was found, and how each kind is mended."""
    checks = every_check()
    lines = "".join(f"\n    {_line(one)}" for one in found)
    fixes = "".join(f"\n    {id_}: {checks[id_].fix}" for id_ in dict.fromkeys(one.check for one in found))
    word = "error" if all(one.severity is Severity.ERROR for one in found) else "finding"
    count = f"{len(found)} {word}{'s' if len(found) > 1 else ''}"
    return RefusedError(
        f"The checks found {count}, and nothing was sent to the cluster",
        why=f"Found:{lines}",
        fix=f"To mend it:{fixes}",
    )


def _line(finding: Finding) -> str:
    return f"{finding.check} {finding.place}: {finding.message}"
