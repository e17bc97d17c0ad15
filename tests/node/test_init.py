"""Process 1 of the node, on real processes."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import pytest

from dockyard.tools.process import run

PACKAGES = Path(__file__).parents[2] / "dockerfiles" / "node" / "rootfs" / "usr" / "local" / "lib"

PROGRAM = """
import json, os, signal, sys, time
from pathlib import Path
from dockyard_node import init, logs
from dockyard_node.units import Unit

folder = Path(sys.argv[1])
logs.open_log.__defaults__ = (folder,)
signal.pthread_sigmask(signal.SIG_BLOCK, init.WAKES)
processes = init.SystemProcesses()
shell = lambda name, text: processes.spawn(Unit(name=name, argv=("/bin/sh", "-c", text), ready=None))
talker = shell("talker", "read -r nothing; echo out; echo err >&2; exit 3")
sleeper = shell("sleeper", "exec sleep 60")
try:
    processes.spawn(Unit(name="nothing", argv=("/nowhere",), ready=None))
except FileNotFoundError:
    missing = True
groups = [os.getpgid(sleeper) == sleeper, sleeper != os.getpgid(0)]
processes.terminate(sleeper)
ended = {}
while len(ended) < 2:
    ended.update(processes.ended())
    time.sleep(0.01)
codes = [os.waitstatus_to_exitcode(ended[pid]) for pid in (talker, sleeper)]
print(json.dumps({"codes": codes, "missing": missing, "groups": groups, "none": list(processes.ended())}))
"""


@pytest.mark.process
def test_programs_are_started_ended_and_collected(tmp_path: Path) -> None:
    """Standard input is empty, both outputs go to the log, SIGTERM is not blocked, each has a group of its own."""
    done = run([sys.executable, "-c", PROGRAM, str(tmp_path)], timeout=20, environment={"PYTHONPATH": str(PACKAGES)})
    assert json.loads(done.stdout) == {"codes": [3, -15], "missing": True, "groups": [True, True], "none": []}
    assert (tmp_path / "talker.log").read_text() == "out\nerr\n"
