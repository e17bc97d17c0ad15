"""Measures of the embedded cluster's node for scripts/bench.py: image size, start, first response, idle consumption."""

from __future__ import annotations

import re
import sys
import time
from statistics import median
from typing import TYPE_CHECKING

from dockyard.tools.docker import Docker
from dockyard.tools.http import ask
from dockyard.tools.process import run
from scripts.bench_result import Result

if TYPE_CHECKING:
    from scripts.trial import Run, Trial

MEGABYTE = 1_000_000
SETTLE, IDLE = 60.0, 30.0
"""Seconds that a new cluster gets to come to rest, and for which its CPU time is then measured."""

FIRST_RESPONSE_LIMIT = 120.0

CPU_SECONDS = "/sys/fs/cgroup/cpuacct/cpuacct.usage /sys/fs/cgroup/cpu.stat"
"""CPU time of the node's control group: nanoseconds in version 1, a table with microseconds in version 2."""


def image_size(trial: Trial, rounds: int) -> Result:  # noqa: ARG001 - every measure is called the same way
    """Measure the node's image: the sum of its uncompressed layers."""
    container = Docker().container(trial.node)
    image = Docker().image(container.image_id) if container else None
    if image is None:
        raise SystemExit("The node's image is not in the engine")
    size = image.size / MEGABYTE
    return Result("image of the embedded node, uncompressed", "<= 500 MB", f"{size:.0f} MB", "", None, size <= 500, 1)  # noqa: PLR2004


def start(trial: Trial, rounds: int) -> Result:
    """Measure `cluster.start` of a new cluster, from the command to a node that is Ready."""
    took = []
    for _ in range(rounds):
        _succeed(trial.inv("cluster.delete"))
        done = _succeed(trial.inv("cluster.start"))
        took.append(done.seconds)
        sys.stdout.write(f"  {done.seconds:.2f} s\n")
    middle = median(took)
    return Result("new embedded cluster, to node Ready", "<= 6 s", f"{middle:.1f} s", "", None, middle <= 6, rounds)  # noqa: PLR2004


def first_response(trial: Trial, rounds: int) -> Result:
    """Measure `deploy` on a machine with all images and no cluster, to the first answer of the app's page."""
    trial.deploy()
    rounds = min(rounds, 3)
    took = []
    for _ in range(rounds):
        _succeed(trial.inv("cluster.delete"))
        began = time.monotonic()
        deploying = trial.start("deploy")
        took.append(_first_answer(trial, began))
        _succeed(trial.finish(deploying))
        sys.stdout.write(f"  {took[-1]:.2f} s\n")
    middle = median(took)
    what = "new embedded cluster, images present, to the first response of AI Todo's page"
    return Result(what, "<= 18 s", f"{middle:.1f} s", "", None, middle <= 18, rounds)  # noqa: PLR2004


def _first_answer(trial: Trial, began: float) -> float:
    """Ask for the page until it is answered; its NodePort is known once the node's container runs."""
    while time.monotonic() - began < FIRST_RESPONSE_LIMIT:
        container = Docker().container(trial.node)
        address = container.ports.get(30080) if container and container.running else None
        if address and ask(f"http://{address[0]}/", timeout=1).ok:
            return time.monotonic() - began
        time.sleep(0.1)
    raise SystemExit(f"The page did not answer within {FIRST_RESPONSE_LIMIT:g} s")


def idle(trial: Trial, rounds: int) -> Result:  # noqa: ARG001 - every measure is called the same way
    """Measure memory and CPU of a new cluster without releases, after it came to rest."""
    _succeed(trial.inv("cluster.delete"))
    _succeed(trial.inv("cluster.start"))
    time.sleep(SETTLE)
    before = _cpu_seconds(trial)
    time.sleep(IDLE)
    share = (_cpu_seconds(trial) - before) / IDLE
    memory = _memory(trial) / MEGABYTE
    what = "idle embedded cluster: memory as `docker stats` shows it, share of one core"
    measured = f"{memory:.0f} MB, {share:.1%}"
    return Result(what, "<= 550 MB and <= 10 %", measured, "", None, memory <= 550 and share <= 0.1, 1)  # noqa: PLR2004


def _cpu_seconds(trial: Trial) -> float:
    said = trial.in_node("sh", "-c", f"cat {CPU_SECONDS} 2>/dev/null || true").split()
    return int(said[1]) / 1e6 if said[0] == "usage_usec" else int(said[0]) / 1e9


def _memory(trial: Trial) -> float:
    """Return what `docker stats` shows, in bytes: the node's memory without inactive file cache."""
    argv = ["docker", "stats", "--no-stream", "--format", "{{.MemUsage}}", trial.node]
    amount, unit = re.findall(r"^([\d.]+)(\w+)", run(argv, timeout=30).stdout)[0]
    return float(amount) * {"MiB": 2**20, "GiB": 2**30}[unit]


def _succeed(done: Run) -> Run:
    if done.code != 0:
        raise SystemExit(done.err)
    return done
