"""A deploy that is killed at any moment is mended by the next plain one."""

from __future__ import annotations

import os
import random
import time

import pytest

from dockyard.releases.lock import NAME
from scripts.trial import Seen, Trial, kill

pytestmark = pytest.mark.cluster

KILLS = int(os.environ.get("DOCKYARD_KILLS", "30"))
"""How often a deploy is killed."""

SEED = int(os.environ.get("DOCKYARD_SEED", "20261126"))
"""What the moments are drawn from; every failure names it."""

LONGEST = 8.0
"""Seconds after which a deploy of one release is over."""


def test_a_killed_deploy_is_mended_by_the_next_one(trial: Trial, seen: Seen) -> None:
    """SIGKILL at random moments, of the task alone and of every program that works for it; then `deploy` ends Ready."""
    draw = random.Random(SEED)  # noqa: S311 - moments, no secrets
    recovered = 0
    for turn in range(KILLS):
        if turn % 5 == 4:  # a first install is cut off in its own ways
            assert trial.inv("destroy", "--release", "mcp").code == 0
        trial.change("mcp", ("debug", "warning", "error", "info")[turn % 4])
        if turn % 3 == 2:
            trial.touch_source("mcp", f"turn {turn}")
        started = trial.start("deploy", "--release", "mcp")
        moment = draw.uniform(0.2, LONGEST)
        time.sleep(moment)  # the moment itself is what is tried
        kill(started, group=turn % 2 == 0)
        done = trial.inv("deploy", "--release", "mcp")
        where = f"turn {turn}, killed after {moment:.2f} s, seed {SEED}"
        assert done.code == 0, f"{where}: {done.err}"
        assert trial.states()["mcp"] == "Ready", where
        assert trial.inv("plan", "--release", "mcp", "--exit-code").code == 0, where
        recovered += "Recovering" in done.err
    assert trial.site().api.get("Lease", NAME) is None
    seen.note(
        "SIGKILL at a random moment of `deploy`, every second time with all its programs",
        f"the next plain `deploy` ended with everything Ready; releases freed or removed first: {recovered}",
        runs=KILLS,
        held=KILLS,
    )


@pytest.mark.parametrize("number", ["SIGINT", "SIGTERM"])
def test_a_signal_stops_in_order(trial: Trial, seen: Seen, number: str) -> None:
    """Exit code 130, a sentence on what state things are in, no lock left, no program left."""
    import signal  # noqa: PLC0415 - the parameter is its name

    held = 0
    moments = (0.0, 1.0, 2.0, 3.0, 4.5)
    for turn, moment in enumerate(moments):
        trial.change("mcp", ("debug", "warning")[turn % 2])
        started = trial.start("deploy", "--release", "mcp")
        trial.await_word(started, "Began")  # before that nothing is there to be stopped in order
        time.sleep(moment)
        started.send_signal(getattr(signal, number))
        done = trial.finish(started)
        assert done.code in {130, 0}, done.err  # 0: it was over before
        if done.code:
            assert "Stopped" in done.err
            assert "Traceback" not in done.err
        assert trial.site().api.get("Lease", NAME) is None
        assert trial.inv("deploy", "--release", "mcp").code == 0
        held += 1
    seen.note(
        f"{number} while it deploys",
        "it ends with 130, says what state things are in, and leaves no lock",
        runs=len(moments),
        held=held,
    )
