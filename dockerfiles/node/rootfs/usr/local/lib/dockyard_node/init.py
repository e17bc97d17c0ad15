"""Process 1 of the node: `python3 -m dockyard_node.init`.

Starts the components in order, starts again what ends, collects orphans (containerd's shims), ends all on SIGTERM.
"""

from __future__ import annotations

import os
import signal
import sys
import time
from typing import TYPE_CHECKING

from dockyard_node import logs
from dockyard_node.supervisor import Supervisor
from dockyard_node.units import STOP_ORDER, Node, Unit, units

if TYPE_CHECKING:
    from collections.abc import Iterator

ENDS = frozenset({signal.SIGTERM, signal.SIGINT})
WAKES = ENDS | {signal.SIGCHLD}

BUSY_WAIT, IDLE_WAIT = 0.1, 5.0
"""Seconds between two looks while something is not ready, and when everything is."""


class SystemProcesses:
    """The processes of this container."""

    def spawn(self, unit: Unit) -> int:
        """Start a unit's program in a process group of its own, with its log as its output."""
        log = logs.open_log(unit.name)
        try:
            return os.posix_spawn(
                unit.argv[0],
                unit.argv,
                os.environ,
                file_actions=[
                    (os.POSIX_SPAWN_OPEN, 0, os.devnull, os.O_RDONLY, 0),
                    (os.POSIX_SPAWN_DUP2, log, 1),
                    (os.POSIX_SPAWN_DUP2, log, 2),
                ],
                setpgroup=0,
                setsigmask=[],
            )
        finally:
            os.close(log)

    def ended(self) -> Iterator[tuple[int, int]]:
        """Yield process id and wait status of every child that has ended."""
        while True:
            try:
                pid, status = os.waitpid(-1, os.WNOHANG)
            except ChildProcessError:
                return
            if pid == 0:
                return
            yield pid, status

    def terminate(self, pid: int) -> None:
        """Send SIGTERM; the process is a child not yet waited for, so its id is still its own."""
        os.kill(pid, signal.SIGTERM)

    def kill(self, pid: int) -> None:
        """Send SIGKILL."""
        os.kill(pid, signal.SIGKILL)


def say(line: str) -> None:
    """Write one line to the container's log."""
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()


def main() -> int:
    """Run the node until SIGTERM or SIGINT; return the exit code."""
    signal.pthread_sigmask(signal.SIG_BLOCK, WAKES)
    supervisor = Supervisor(units(Node.of(os.environ)), SystemProcesses(), time.monotonic, say, logs.tail)
    while True:
        supervisor.step()
        logs.rotate()
        received = signal.sigtimedwait(WAKES, IDLE_WAIT if supervisor.complete else BUSY_WAIT)
        if received is not None and received.si_signo in ENDS:
            supervisor.stop(STOP_ORDER, time.sleep)
            return 0


if __name__ == "__main__":
    sys.exit(main())
