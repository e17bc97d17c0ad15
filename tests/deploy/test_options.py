"""How a deploy is done, and its lock."""

from __future__ import annotations

from dockyard.deploy.options import Options, locked
from dockyard.releases.lock import read_claim
from dockyard.releases.rollout import Policy
from dockyard.releases.site import connect
from tests.deploy.conftest import ME, NOON, Deploying
from tests.fakes import Recorder


def test_failures_are_undone_unless_somebody_says_otherwise() -> None:
    """Nobody waits for another deploy, and weak secrets pass."""
    how = Options(who=ME, wall=lambda: NOON, jobs=4)
    assert (how.policy, how.wait_lock, how.strict) == (Policy(), 0.0, False)


def test_the_lock_is_held_for_a_block(deploying: Deploying) -> None:
    """By the process that the options name, since the time that they tell."""
    site = connect(deploying.workspace)
    with locked(site, deploying.options(), Recorder()) as lock:
        lease = deploying.workspace.fake_api.objects["Lease", "dockyard"]
        assert (read_claim(lease).who.user, lock.claim.since) == (ME.user, NOON)
    assert not deploying.is_locked
