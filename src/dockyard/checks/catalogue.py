"""The checks there are: one registry, filled by the modules that hold them."""

from __future__ import annotations

import pkgutil
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING

from dockyard.checks.finding import Body, Check, Finding, Severity
from dockyard.model.errors import UnknownNameError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

    from dockyard.checks.subject import Subject

CHECKS: dict[str, Check] = {}
"""The checks of the modules that were imported so far; `every_check` has all of them."""


def every_check() -> dict[str, Check]:
    """Return every check by its id, in their order: each module of this package is imported, so none is forgotten."""
    for module in pkgutil.iter_modules([str(Path(__file__).parent)]):
        import_module(f"{__package__}.{module.name}")
    return dict(sorted(CHECKS.items()))


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
    there = every_check()
    for id_ in (*without, *only):
        if id_ not in there:
            raise UnknownNameError("check", id_, there)
    chosen = (entry for id_, entry in there.items() if id_ not in without and (not only or id_ in only))
    return tuple(finding for entry in chosen for finding in _run(entry, subject))


def _run(entry: Check, subject: Subject) -> Iterator[Finding]:
    for place, message in entry.body(subject):
        yield Finding(entry.id, entry.severity, place, message, subject.release_of(place))
