"""Starts the units in order, starts again what ends, and says so: the node's init without the operating system.

What it says, one line a transition, `SECONDS` since it began::

    dockyard-node: COMPONENT started|ready|ended|stopped SECONDS [(detail)]
    dockyard-node: all ready SECONDS
    dockyard-node: failed COMPONENT (detail)

Behind a `failed` line stand the last lines of that component's log, each indented by two spaces. `failed` is not the
end: it is tried again, since what is missing (space, memory) may come back.
"""

from __future__ import annotations

import os
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from dockyard_node.units import Unit

PREFIX = "dockyard-node:"

DEATHS = 3
"""A unit that has ended this often in a row, without having been ready in between, has failed."""

READY_LIMIT = 90.0
"""Seconds after which a unit that runs and is not ready has failed; the slowest takes 5 on an idle machine."""

FIRST_PAUSE, LONGEST_PAUSE = 1.0, 10.0
"""Seconds before a unit that ended is started again; doubled each time until it was ready."""

STOP_LIMIT = 2.5
"""Seconds for each group of units to end in before the next one's turn: three groups are within Docker's 10."""

STOP_STEP = 0.05


class Processes(Protocol):
    """The operating system, as far as it is used."""

    def spawn(self, unit: Unit) -> int:
        """Start a unit's program and return its process id.

        Raises:
            OSError: It cannot be started.
        """

    def ended(self) -> Iterable[tuple[int, int]]:
        """Return process id and wait status of every child that has ended, orphans of others included."""

    def terminate(self, pid: int) -> None:
        """Ask a process to end."""

    def kill(self, pid: int) -> None:
        """End a process."""


@dataclass(slots=True)
class _State:
    """How a unit is: it runs with a process id, waits for its next start, or (a one-shot) is done."""

    pid: int | None = None
    ready: bool = False
    since: float = 0.0
    deaths: int = 0
    not_before: float = 0.0
    reported: bool = False

    @property
    def pause(self) -> float:
        return float(min(FIRST_PAUSE * 2 ** (self.deaths - 1), LONGEST_PAUSE))


@dataclass(slots=True)
class Supervisor:
    """Keeps the units running.

    Attributes:
        units: In the order in which they are looked at.
        processes: Starts and ends them.
        clock: Seconds since some fixed moment.
        say: Takes one line for the node's log.
        tail: Returns the last lines of a unit's log.
    """

    units: Sequence[Unit]
    processes: Processes
    clock: Callable[[], float]
    say: Callable[[str], None]
    tail: Callable[[str], Iterable[str]]
    _states: dict[str, _State] = field(init=False)
    _began: float = field(init=False)
    _complete: bool = field(init=False, default=False)

    def __post_init__(self) -> None:
        """Say that it begins: a reader of the log counts from the last such line."""
        self._states = {unit.name: _State() for unit in self.units}
        self._began = self.clock()
        self._tell("init", "started")

    @property
    def complete(self) -> bool:
        """Whether all units are ready."""
        return all(state.ready for state in self._states.values())

    def step(self) -> None:
        """Look once at everything: who has ended, who is ready, who can be started."""
        self._reap()
        for unit in self.units:
            state = self._states[unit.name]
            if state.pid is not None:
                self._look_at(unit, state)
            elif not state.ready and self._may_start(unit, state):
                self._start(unit, state)
        if self.complete and not self._complete:
            self.say(f"{PREFIX} all ready {self._seconds()}")
        self._complete = self.complete

    def stop(self, groups: Iterable[Iterable[str]], sleep: Callable[[float], None]) -> None:
        """End all units, one group after the other; who does not end within its limit is killed."""
        self._tell("init", "stopping")
        for group in groups:
            self._stop_group(tuple(group), sleep)
        self._tell("init", "stopped")

    def _may_start(self, unit: Unit, state: _State) -> bool:
        return self.clock() >= state.not_before and all(self._states[name].ready for name in unit.needs)

    def _start(self, unit: Unit, state: _State) -> None:
        try:
            state.pid = self.processes.spawn(unit)
        except OSError as error:
            self._died(unit, state, f"cannot be started: {error}")
            return
        state.since, state.reported = self.clock(), False
        self._tell(unit.name, "started")

    def _look_at(self, unit: Unit, state: _State) -> None:
        if state.ready:
            return
        if unit.ready is not None and unit.ready():
            self._is_ready(unit, state)
        elif not state.reported and self.clock() - state.since >= READY_LIMIT:
            state.reported = True
            self._failed(unit.name, f"runs and is not ready after {READY_LIMIT:g} s")

    def _is_ready(self, unit: Unit, state: _State) -> None:
        state.ready, state.deaths = True, 0
        self._tell(unit.name, "ready")

    def _reap(self) -> None:
        by_pid = {state.pid: unit for unit in self.units if (state := self._states[unit.name]).pid is not None}
        for pid, status in self.processes.ended():
            if (unit := by_pid.get(pid)) is not None:  # else an orphan that became ours
                self._ended(unit, self._states[unit.name], os.waitstatus_to_exitcode(status))

    def _ended(self, unit: Unit, state: _State, code: int) -> None:
        state.pid = None
        if unit.ready is None and code == 0:
            self._is_ready(unit, state)
            return
        state.ready = False
        self._died(unit, state, f"status {code}")

    def _died(self, unit: Unit, state: _State, how: str) -> None:
        state.deaths += 1
        state.not_before = self.clock() + state.pause
        self._tell(unit.name, "ended", f"{how}, again in {state.pause:g} s")
        if state.deaths % DEATHS == 0:
            self._failed(unit.name, f"{state.deaths} times in a row, the last: {how}")

    def _failed(self, name: str, why: str) -> None:
        self.say(f"{PREFIX} failed {name} ({why})")
        for line in self.tail(name):
            self.say(f"  {line}")

    def _stop_group(self, group: tuple[str, ...], sleep: Callable[[float], None]) -> None:
        for pid in self._running(group):
            self.processes.terminate(pid)
        end = self.clock() + STOP_LIMIT
        while self._running(group) and self.clock() < end:
            sleep(STOP_STEP)
            self._forget_ended()
        for pid in self._running(group):
            self.processes.kill(pid)

    def _running(self, group: Iterable[str]) -> tuple[int, ...]:
        return tuple(pid for name in group if (pid := self._states[name].pid) is not None)

    def _forget_ended(self) -> None:
        ended = {pid for pid, _ in self.processes.ended()}
        for name, state in self._states.items():
            if state.pid in ended:
                state.pid = None
                self._tell(name, "stopped")

    def _tell(self, name: str, transition: str, detail: str = "") -> None:
        self.say(f"{PREFIX} {name} {transition} {self._seconds()}{f' ({detail})' if detail else ''}")

    def _seconds(self) -> str:
        return f"{self.clock() - self._began:.2f}"
