"""Secrets go into the pods byte for byte, and nowhere else: a whole day of deploys, and every place that it touched.

The tests of this file are one story and run in its order.
"""

from __future__ import annotations

import json
import secrets
import stat
import time

import pytest

from dockyard.releases.lock import NAME
from scripts.trial import kill
from tests.canary.conftest import MARK, USED, VALUES, Day, calm, shout
from tests.canary.evidence import CHANNELS
from tests.canary.finder import Finder, helm_said

pytestmark = pytest.mark.cluster

USERS = ("backend", "frontend")
"""The services that use BETTER_AUTH_SECRET."""

OURS = {b"sh", b"cmp", b"python", b"python3", b"invoke"}
"""What Dockyard itself runs as: `./inv`, which compares lock files first, its interpreter, and that one's children
before they are other programs."""

SECRET = "BETTER_AUTH_SECRET"  # noqa: S105 - its name


def agree(day: Day) -> None:
    """Hold .env and the pods of all users to one value."""
    for service in USERS:
        assert day.environment(service)[SECRET.encode()] == day.env[SECRET].encode(), service


def test_every_byte_arrives(day: Day) -> None:
    """What the pod's first process was started with is what .env says; other services got nothing of it."""
    day.inv("secrets.check")
    day.inv("deploy")
    got = day.environment("backend")
    differing = [name for name, value in (VALUES | USED).items() if got.get(name.encode()) != value.encode()]
    assert differing == []
    assert not [name for name in day.environment("frontend") if name.startswith((b"CANARY", b"OPENAI"))]
    assert set(day.environment("mcp")) & {name.encode() for name in VALUES | USED} == set()


def test_a_secret_of_the_environment_goes_to_the_pod_and_to_no_program(day: Day) -> None:
    """Dockyard itself has it there; Helm and Docker, which it starts, have not."""
    own = f"Ce{secrets.token_hex(15)}"
    day.trial.environment |= {"OPENAI_API_KEY": own}
    day.inv("deploy")
    del day.trial.environment["OPENAI_API_KEY"]
    finder, programs = Finder(own), {entry.split(b"\0")[0] for entry in day.evidence.sampler.environ}
    having = {entry.split(b"\0")[0] for entry in day.evidence.sampler.environ if finder.has(entry)}
    assert day.environment("backend")[b"OPENAI_API_KEY"] == own.encode()
    assert having  # the sampler sees what is there
    assert [name for name in having if name.rpartition(b"/")[2] not in OURS] == []
    assert [name for name in programs if name.rpartition(b"/")[2] == b"docker"]
    assert [call for call, said in helm_said(day.evidence.helm) if finder.has(said)] == []


def test_a_day_of_changes(day: Day) -> None:
    """An upgrade, a failure that is left and looked at, a rollback, and a failure that is rolled back."""
    day.trial.change("mcp", "debug")
    day.inv("plan", channel="plan")
    assert day.records(day.inv("deploy", "--json", channel="json"))
    shout(day.trial)
    day.inv("plan", channel="plan")
    day.inv("deploy", "--no-rollback", "--json", channel="json", code=3)
    told = day.inv("logs", "--release", "backend", channel="logs")
    assert "CANARY_UNICODE" in told  # it did write them
    assert told.count("***") > len(VALUES)
    day.inv("status", "--json", channel="json")
    day.inv("rollback", "--release", "backend")
    day.inv("deploy", "--release", "backend", code=1)
    calm(day.trial)
    day.inv("deploy")
    day.inv("history", "--release", "backend")


def test_a_plan_of_another_value_shows_none(day: Day) -> None:
    """Neither the old one nor the new one."""
    path = day.trial.root / ".env"
    before = path.read_bytes()
    path.write_bytes(before.replace(f"a,{MARK}".encode(), f"z,{MARK}".encode()))
    assert "ai-todo-backend-secrets" in day.inv("plan", channel="plan")
    path.write_bytes(before)


def test_a_new_value_rolls_exactly_the_pods_that_use_it(day: Day) -> None:
    """`secrets.rotate`: other pods stay, other bytes of .env stay, and the users have the new value."""
    before = {service: day.pods(service) for service in (*USERS, "mcp")}
    old, text = day.env[SECRET], (day.trial.root / ".env").read_bytes()
    day.inv("secrets.rotate", SECRET)
    day.evidence.finder.add(day.env[SECRET])
    assert day.env[SECRET] != old
    now = (day.trial.root / ".env").read_bytes()
    assert now.replace(day.env[SECRET].encode(), old.encode()) == text
    assert stat.S_IMODE((day.trial.root / ".env").stat().st_mode) == 0o600
    agree(day)
    assert day.pods("mcp") == before["mcp"]
    assert not [service for service in USERS if set(day.pods(service)) & set(before[service])]


def test_a_value_that_does_not_become_ready_is_taken_back(day: Day) -> None:
    """The frontend fails and is rolled back, the backend had taken the new value and gets the old one again."""
    text = (day.trial.root / ".env").read_bytes()
    day.trial.values("frontend", "helm/faults/crash.yaml")
    day.inv("secrets.rotate", SECRET, code=1)
    assert (day.trial.root / ".env").read_bytes() == text
    agree(day)
    day.trial.values("frontend")
    day.inv("plan", "--exit-code", channel="plan")


@pytest.mark.parametrize("word", ["new random value", "Upgrading", "Running"])
def test_killed_in_the_middle_the_next_deploy_makes_them_agree(day: Day, word: str) -> None:
    """With every program that works for it; no file that it made outlives the next command."""
    started = day.trial.start("secrets.rotate", SECRET)
    day.trial.await_word(started, word)
    kill(started, group=True)
    day.evidence.finder.add(day.env[SECRET])
    day.inv("deploy")
    agree(day)
    assert list(day.trial.root.glob(".env?*")) == []
    assert day.inv("plan", "--exit-code", channel="plan")


def test_stopped_in_the_middle_it_says_how_things_are(day: Day) -> None:
    """SIGTERM: the file has its old value at once, and what it says to do brings the releases to it."""
    text = (day.trial.root / ".env").read_bytes()
    started = day.trial.start("secrets.rotate", SECRET)
    day.trial.await_word(started, "Upgrading")
    time.sleep(0.5)
    started.terminate()
    done = day.evidence.ran("secrets.rotate, stopped", day.trial.finish(started))
    assert done.code == 130
    assert "has the old value of BETTER_AUTH_SECRET again" in done.err
    assert (day.trial.root / ".env").read_bytes() == text
    assert day.trial.site().api.get("Lease", NAME) is None
    day.inv("deploy")
    agree(day)


def test_the_rest_of_the_day_is_done(day: Day) -> None:
    """What tells of it afterwards, and which images there are."""
    day.inv("report")
    day.inv("images")
    day.inv("secrets.check", "--json", channel="json")
    rows = json.loads(day.inv("status", "--json", channel="json"))
    day.evidence.images += [f"ai-todo-{row['release']}:{row['tag']}" for row in rows]
    assert len(day.evidence.images) == 3


@pytest.mark.parametrize("channel", CHANNELS)
def test_nothing_got_out(day: Day, channel: str) -> None:
    """In no form; and there was something to look at."""
    assert day.evidence.size(channel) > 0
    assert day.evidence.leaks(channel) == []
