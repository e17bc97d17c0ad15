"""Findings of the static checks as a person reads them: each with its place, then why and how to mend it, once."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from dockyard.checks.finding import Check, Finding
    from dockyard.ui.screen import Screen


def print_findings(
    screen: Screen, findings: Sequence[Finding], checks: Mapping[str, Check], *, off: Mapping[str, str], looked_at: str
) -> None:
    """Print findings, errors first.

    Args:
        screen: Where.
        findings: What was found.
        checks: The checks that were made, by id.
        off: The checks that were switched off, each with the reason.
        looked_at: What was looked at, as the end of "... in X".
    """
    ordered = sorted(findings, key=lambda finding: finding.severity.value)
    if ordered:
        screen.table(
            ("severity", "check", "finding"),
            [(finding.severity.value, finding.check, _lines(finding)) for finding in ordered],
        )
        screen.say("")
    for id_ in dict.fromkeys(finding.check for finding in ordered):
        entry = checks[id_]
        screen.say(f"{id_}  {entry.title}")
        screen.say(f"  Why: {entry.why}")
        screen.say(f"  Fix: {entry.fix}\n")
    for id_, reason in off.items():
        screen.say(f"{id_} is switched off: {reason}")
    screen.say(_summary(ordered, len(checks), looked_at))


def _lines(finding: Finding) -> str:
    place = finding.place
    where = f"{place.file}:{place.line}" if place.line else place.file
    return "\n".join(part for part in (where, place.path, finding.message) if part)


def _summary(findings: Sequence[Finding], checks: int, looked_at: str) -> str:
    if not findings:
        return f"Nothing found by {checks} checks in {looked_at}."
    counts = Counter(finding.severity.value for finding in findings)
    told = " and ".join(f"{count} {name}{'s' if count > 1 else ''}" for name, count in counts.items())
    return f"Found {told} by {checks} checks in {looked_at}."
