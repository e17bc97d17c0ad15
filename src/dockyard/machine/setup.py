"""Makes the machine ready: observes it, plans what is missing, and does that. A second run finds nothing to do.

Nothing is installed over what the user has. What is installed system-wide is the distribution's own Docker engine, and
only by root; everything else goes into `.tools` of the project and the user's folder of Docker plugins.
"""

from __future__ import annotations

import platform
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from dockyard.machine import buildx, engine, programs, starting
from dockyard.machine import host as this_machine
from dockyard.machine.requirement import Requirement, Step

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from dockyard.machine.engine import EngineFacts
    from dockyard.machine.host import Host
    from dockyard.model.events import Report

PYTHON = "3.11 to 3.13"


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
    """Do what the requirements ask for; nothing where they are met.

    Args:
        root: The folder of the project.
        requirements: What `observe` returned.
        report: Told of what happens.

    Returns:
        The requirements as they are now; ``action`` says what was done.

    Raises:
        MachineError: Something could not be had or started. What was done before stays, and the next run goes on there.
    """
    steps = {requirement.step for requirement in requirements}
    if steps == {Step.NOTHING}:
        return requirements
    host = this_machine.observe()
    done: dict[str, str] = {}
    done |= _ready_engine(host, steps, report)
    if Step.INSTALL_BUILDX in steps and buildx.observe() is None:
        done[buildx.NAME] = buildx.install(host, report)
    done |= _fetch_programs(root, requirements, host, report)
    return tuple(
        replace(requirement, action=done.get(requirement.name, requirement.action)) for requirement in observe(root)
    )


def _fetch_programs(root: Path, requirements: tuple[Requirement, ...], host: Host, report: Report) -> Mapping[str, str]:
    """Fetch the programs that are asked for; return what was done."""
    missing = [requirement.name for requirement in requirements if requirement.step is Step.FETCH]
    if not missing:
        return {}
    from dockyard.machine import fetching  # noqa: PLC0415 - HTTP and archives: the second run, which needs none, is timed

    return fetching.fetch(root, missing, host, report)


def _ready_engine(host: Host, steps: set[Step], report: Report) -> dict[str, str]:
    """Install and start the engine, as far as asked for; return what was done."""
    done = []
    if Step.INSTALL_ENGINE in steps:
        done.append(engine.install(report))
    if done or Step.START_ENGINE in steps:
        if not starting.answers():
            done.append(starting.start(host, report))
        else:
            done.append("started by its package")
    return {engine.NAME: ", ".join(done)} if done else {}
