"""The node's init, with a clock and a process table of the test's own."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

import pytest

from dockyard_node.supervisor import DEATHS, READY_LIMIT, STOP_LIMIT, Supervisor
from dockyard_node.units import Unit

KILLED = 9


@dataclass
class World:
    """Time, processes and what is ready.

    Attributes:
        now: Seconds.
        ready: Names of units whose probe succeeds.
        unstartable: Names of units whose program is not there.
        stubborn: Names of units that do not end on SIGTERM.
        running: Process ids to names.
        over: Ended processes that nobody has asked for yet: id and wait status.
        calls: Starts, terminations and kills, in order.
        lines: What was said.
    """

    now: float = 0.0
    ready: set[str] = field(default_factory=set)
    unstartable: set[str] = field(default_factory=set)
    stubborn: set[str] = field(default_factory=set)
    running: dict[int, str] = field(default_factory=dict)
    over: list[tuple[int, int]] = field(default_factory=list)
    calls: list[str] = field(default_factory=list)
    lines: list[str] = field(default_factory=list)
    last: int = 100

    def spawn(self, unit: Unit) -> int:
        """Start a process."""
        self.calls.append(f"start {unit.name}")
        if unit.name in self.unstartable:
            raise FileNotFoundError(2, "No such file or directory", unit.argv[0])
        self.last += 1
        self.running[self.last] = unit.name
        return self.last

    def ended(self) -> Iterator[tuple[int, int]]:
        """Hand over what has ended."""
        while self.over:
            yield self.over.pop(0)

    def terminate(self, pid: int) -> None:
        """Ask a process to end; most do."""
        self.calls.append(f"terminate {self.running[pid]}")
        if self.running[pid] not in self.stubborn:
            self.end(self.running[pid])

    def kill(self, pid: int) -> None:
        """End a process."""
        self.calls.append(f"kill {self.running[pid]}")

    def end(self, name: str, *, code: int = 0) -> None:
        """Let a unit's process end with an exit code."""
        pid = next(pid for pid, running in self.running.items() if running == name)
        del self.running[pid]
        self.over.append((pid, code << 8))

    def sleep(self, seconds: float) -> None:
        """Let time pass."""
        self.now += seconds

    def run(self, supervisor: Supervisor, seconds: float) -> None:
        """Let time pass with a look at everything each tenth of a second."""
        for _ in range(round(seconds * 10)):
            self.now += 0.1
            supervisor.step()

    def unit(self, name: str, *needs: str) -> Unit:
        """Return a unit whose probe is the test's word."""
        return Unit(name=name, argv=(f"/bin/{name}",), ready=lambda: name in self.ready, needs=needs)

    def job(self, name: str, *needs: str) -> Unit:
        """Return a unit that is ready once it has ended."""
        return Unit(name=name, argv=(f"/bin/{name}",), ready=None, needs=needs)

    def supervise(self, *units: Unit) -> Supervisor:
        """Return a supervisor of units."""
        return Supervisor(units, self, lambda: self.now, self.lines.append, lambda name: [f"{name} says why"])


@pytest.fixture
def world() -> World:
    """A world where nothing runs."""
    return World()


def test_what_needs_nothing_starts_at_once_and_the_rest_once_its_needs_are_ready(world: World) -> None:
    """The order is that of the needs, not that of the list."""
    supervisor = world.supervise(world.unit("api", "etcd"), world.unit("etcd"), world.unit("containerd"))
    supervisor.step()
    assert world.calls == ["start etcd", "start containerd"]
    world.ready.add("containerd")
    supervisor.step()
    assert world.calls[2:] == []
    world.ready.add("etcd")
    supervisor.step()
    supervisor.step()
    assert world.calls[2:] == ["start api"]


def test_all_needs_must_be_ready(world: World) -> None:
    """One of two is not enough."""
    supervisor = world.supervise(world.unit("a"), world.unit("b"), world.unit("c", "a", "b"))
    world.ready.add("a")
    supervisor.step()
    supervisor.step()
    assert "start c" not in world.calls
    world.ready.add("b")
    supervisor.step()
    assert "start c" in world.calls


def test_a_job_is_ready_once_it_has_ended_and_is_not_done_again(world: World) -> None:
    """The image import is one: the kubelet waits for its end."""
    supervisor = world.supervise(world.job("images"), world.unit("kubelet", "images"))
    supervisor.step()
    assert world.calls == ["start images"]
    world.end("images")
    supervisor.step()
    supervisor.step()
    assert world.calls == ["start images", "start kubelet"]


def test_a_job_that_fails_is_done_again(world: World) -> None:
    """Its needs may have been ready only for a moment."""
    supervisor = world.supervise(world.job("images"))
    supervisor.step()
    world.end("images", code=1)
    world.run(supervisor, 1.2)
    assert world.calls == ["start images", "start images"]
    assert not supervisor.complete


def test_every_transition_is_one_line_with_its_seconds(world: World) -> None:
    """The host reads these lines: their form is an interface."""
    supervisor = world.supervise(world.unit("etcd"), world.job("images"))
    world.now = 0.5
    supervisor.step()
    world.now = 1.234
    world.ready.add("etcd")
    world.end("images")
    supervisor.step()
    assert world.lines == [
        "dockyard-node: init started 0.00",
        "dockyard-node: etcd started 0.50",
        "dockyard-node: images started 0.50",
        "dockyard-node: images ready 1.23",
        "dockyard-node: etcd ready 1.23",
        "dockyard-node: all ready 1.23",
    ]


def test_a_unit_that_ends_is_started_again_after_a_pause(world: World) -> None:
    """A second, not at once: what it needs may be ending too."""
    supervisor = world.supervise(world.unit("etcd"))
    world.ready.add("etcd")
    supervisor.step()
    supervisor.step()
    world.end("etcd", code=2)
    supervisor.step()
    assert world.lines[-1] == "dockyard-node: etcd ended 0.00 (status 2, again in 1 s)"
    assert not supervisor.complete
    world.run(supervisor, 0.8)
    assert world.calls == ["start etcd"]
    world.run(supervisor, 0.5)
    assert world.calls == ["start etcd", "start etcd"]
    assert supervisor.complete


def test_pauses_double_up_to_ten_seconds_and_begin_anew_once_it_was_ready(world: World) -> None:
    """A unit that cannot start does not eat the machine; one that could is back soon."""
    supervisor = world.supervise(world.unit("etcd"))
    supervisor.step()
    pauses = []
    for _ in range(6):
        world.end("etcd", code=1)
        supervisor.step()
        pauses.append(next(line for line in reversed(world.lines) if " ended " in line).split(" again in ")[1])
        world.now += 10
        supervisor.step()
    assert pauses == ["1 s)", "2 s)", "4 s)", "8 s)", "10 s)", "10 s)"]
    world.ready.add("etcd")
    supervisor.step()
    world.end("etcd", code=1)
    supervisor.step()
    assert world.lines[-1].endswith("again in 1 s)")


def test_the_third_end_in_a_row_is_a_failure_with_the_last_lines_of_the_log(world: World) -> None:
    """The host names the component and shows why; the log's lines are indented, so that none is taken for ours."""
    supervisor = world.supervise(world.unit("etcd"))
    for _ in range(DEATHS):
        assert not [line for line in world.lines if "failed" in line]
        supervisor.step()
        world.end("etcd", code=1)
        supervisor.step()
        world.now += 10
    assert world.lines[-2:] == [
        "dockyard-node: failed etcd (3 times in a row, the last: status 1)",
        "  etcd says why",
    ]


def test_a_unit_that_was_ready_in_between_has_not_failed(world: World) -> None:
    """Three restarts in the life of a node are no failure to start."""
    supervisor = world.supervise(world.unit("etcd"))
    world.ready.add("etcd")
    for _ in range(2 * DEATHS):
        world.now += 10
        supervisor.step()
        supervisor.step()
        world.end("etcd", code=1)
        supervisor.step()
    assert not [line for line in world.lines if "failed" in line]


def test_a_program_that_is_not_there_is_a_failure_too(world: World) -> None:
    """It counts as an end, and the reason is the operating system's."""
    supervisor = world.supervise(world.unit("etcd"))
    world.unstartable.add("etcd")
    for _ in range(DEATHS):
        supervisor.step()
        world.now += 10
    assert world.lines[-2].startswith("dockyard-node: failed etcd (3 times in a row, the last: cannot be started: ")
    assert "/bin/etcd" in world.lines[-2]


@pytest.mark.parametrize("kind", ["unit", "job"])
def test_what_runs_and_does_not_get_ready_has_failed_once(world: World, kind: str) -> None:
    """It goes on running: a slow machine may still bring it up."""
    unit = world.unit("api") if kind == "unit" else world.job("api")
    supervisor = world.supervise(unit)
    supervisor.step()
    world.run(supervisor, READY_LIMIT - 1)
    assert not [line for line in world.lines if "failed" in line]
    world.run(supervisor, 20)
    assert [line for line in world.lines if "failed" in line] == [
        "dockyard-node: failed api (runs and is not ready after 90 s)"
    ]
    assert world.calls == ["start api"]


def test_a_signal_is_told_as_a_negative_status(world: World) -> None:
    """As Python has it: -9 is SIGKILL."""
    supervisor = world.supervise(world.unit("etcd"))
    supervisor.step()
    pid = next(iter(world.running))
    world.over.append((pid, KILLED))
    supervisor.step()
    assert "(status -9, " in world.lines[-1]


def test_orphans_of_others_are_collected_and_not_told(world: World) -> None:
    """Containerd's shims become children of process 1."""
    supervisor = world.supervise(world.unit("etcd"))
    supervisor.step()
    told = list(world.lines)
    world.over.append((9999, 0))
    supervisor.step()
    assert world.over == []
    assert world.lines == told


def test_units_end_group_by_group(world: World) -> None:
    """Nobody is asked to end before those that write to it have ended."""
    supervisor = world.supervise(world.unit("kubelet"), world.unit("api"), world.unit("etcd"))
    supervisor.step()
    world.calls.clear()
    supervisor.stop([("kubelet",), ("api",), ("etcd",)], world.sleep)
    assert world.calls == ["terminate kubelet", "terminate api", "terminate etcd"]
    assert [line.split()[1:3] for line in world.lines[-5:]] == [
        ["init", "stopping"],
        ["kubelet", "stopped"],
        ["api", "stopped"],
        ["etcd", "stopped"],
        ["init", "stopped"],
    ]


def test_who_does_not_end_is_killed_and_holds_up_the_others_for_its_limit_only(world: World) -> None:
    """Docker itself kills everything after its own limit: ours must be within it."""
    supervisor = world.supervise(world.unit("kubelet"), world.unit("etcd"))
    supervisor.step()
    world.stubborn.add("kubelet")
    supervisor.stop([("kubelet",), ("etcd",)], world.sleep)
    assert world.calls[-3:] == ["terminate kubelet", "kill kubelet", "terminate etcd"]
    assert world.now == pytest.approx(STOP_LIMIT, abs=0.2)


def test_what_does_not_run_is_not_asked_to_end(world: World) -> None:
    """A unit between two starts, and one that was never started."""
    supervisor = world.supervise(world.unit("etcd"), world.unit("api", "etcd"))
    supervisor.step()
    world.end("etcd", code=1)
    supervisor.step()
    world.calls.clear()
    supervisor.stop([("api",), ("etcd",)], world.sleep)
    assert world.calls == []
