"""The checks there are: one registry, filled by the modules that hold them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from dockyard.checks.finding import Body, Check, Finding, Severity
from dockyard.model.errors import UnknownNameError

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from dockyard.checks.subject import Subject

CHECKS: dict[str, Check] = {}
"""Every check by its id."""


def check(id_: str, title: str, *, severity: Severity = Severity.ERROR, why: str, fix: str) -> Callable[[Body], Body]:
    """Register a function as the body of a check; the arguments are those of :class:`Check`.

    Raises:
        ValueError: The id is taken.
    """

    def register(body: Body) -> Body:
        if id_ in CHECKS:
            raise ValueError(f"two checks have the id {id_}")
        CHECKS[id_] = Check(id_, title, severity, why, fix, body)
        return body

    return register


def run_checks(subject: Subject, *, without: Mapping[str, str], only: Sequence[str] = ()) -> tuple[Finding, ...]:
    """Run checks over a subject.

    Args:
        subject: What is checked.
        without: Ids that are switched off, each with the reason.
        only: Ids to run; all of them by default.

    Raises:
        UnknownNameError: An id that no check has.
    """
    for id_ in (*without, *only):
        if id_ not in CHECKS:
            raise UnknownNameError("check", id_, sorted(CHECKS))
    chosen = (entry for id_, entry in sorted(CHECKS.items()) if id_ not in without and (not only or id_ in only))
    return tuple(
        Finding(entry.id, entry.severity, place, message, subject.release_of(place))
        for entry in chosen
        for place, message in entry.body(subject)
    )
