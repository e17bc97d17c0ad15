"""One deploy at a time: the Lease, on an API server with versions; nobody waits for a clock."""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any, cast

import pytest

from dockyard.model.errors import ApiRefusedError, ClusterError, RefusedError, StoppedError
from dockyard.releases import lock as locking
from dockyard.releases.causes import Object
from dockyard.releases.lock import DURATION, NAME, WATCHED, Claim, Lock, LockedError, Locking, holding, read_claim
from dockyard.tools.identity import Identity
from tests.fakes import FakeClock, Recorder
from tests.releases.server import SILENT, Server

NOON = datetime(2026, 1, 1, 12, tzinfo=UTC)
US = Identity("ann", "laptop", 100, "5000", "boot pid", "inv deploy")
OTHER = Identity("bob", "tower", 200, "6000", "other boot", "inv rollback")


class World:
    """A cluster, a clock that runs, and a time of day that may be wrong.

    Attributes:
        server: The API server.
        clock: What waits go by.
        offset: Seconds that our time of day is wrong by.
        report: Who is told.
    """

    def __init__(self) -> None:
        self.server, self.clock, self.report, self.offset = Server(), Ticking(), Recorder(), 0.0

    def wall(self) -> datetime:
        """Return our time of day."""
        return NOON + timedelta(seconds=self.clock.now() + self.offset)

    def how(self, *, wait: float = 0, alive: bool | None = None) -> Locking:
        """Return how the lock is taken."""
        return Locking(clock=self.clock, wall=self.wall, is_alive=lambda _: alive, wait=wait)

    def take(self, **how: Any) -> Any:  # noqa: ANN401 - a context manager of the lock
        """Return the lock, for a block."""
        return holding(self.server, US, self.how(**how), namespace="default", report=self.report)

    def held_by(self, who: Identity = OTHER, *, renewed: float = 0, **spec: object) -> Claim:
        """Let somebody hold the lock, renewed so many seconds after noon."""
        claim = Claim(who, NOON, f"token of {who.user}")
        lease = locking._lease(claim, NOON + timedelta(seconds=renewed))  # noqa: SLF001 - as another process makes it
        lease["spec"] |= spec
        self.server.hold({**lease, "kind": "Lease"})
        return claim

    @property
    def lease(self) -> Object | None:
        """The Lease."""
        return self.server.objects.get(("Lease", NAME))


class Ticking(FakeClock):
    """A clock on which something may happen.

    Attributes:
        then: Called after each sleep.
    """

    def __init__(self) -> None:
        super().__init__()
        self.then: Callable[[], None] = lambda: None

    def sleep(self, seconds: float) -> None:
        """Pass the time."""
        super().sleep(seconds)
        self.then()


@pytest.fixture
def world() -> World:
    """A cluster that nobody works on."""
    return World()


def test_a_free_lock_is_taken_and_given_back(world: World) -> None:
    """The Lease says who, where, which process, since when, and until when it holds; then it is gone."""
    with world.take() as held:
        assert world.lease is not None
        assert read_claim(world.lease) == held.claim
        assert held.claim.who == US
        assert world.lease["spec"]["leaseDurationSeconds"] == DURATION
        assert world.lease["spec"]["renewTime"] == "2026-01-01T12:00:00.000000Z"
        assert held.died is None
        held.check()
    assert world.lease is None
    assert world.clock.now() == 0
    assert world.report.events == []


def test_an_error_gives_the_lock_back(world: World) -> None:
    """Whatever ended the work."""
    with pytest.raises(KeyboardInterrupt), world.take():
        raise KeyboardInterrupt
    assert world.lease is None


def test_a_second_deploy_is_refused_and_says_who_works(world: World) -> None:
    """At once, with exit code 4; the other one is left alone."""
    held = world.held_by()
    with pytest.raises(LockedError) as caught, world.take():
        pytest.fail("two at a time")
    assert caught.value.exit_code == 4
    assert caught.value.holder == held
    assert caught.value.why == (
        "The lock is held by bob on tower, process 200 (`inv rollback`), since 2026-01-01 12:00:00 UTC"
    )
    assert world.clock.now() == 0
    assert world.lease is not None
    assert read_claim(world.lease) == held


def test_who_waits_gets_the_lock_when_it_is_free(world: World) -> None:
    """Told once, and not a moment after it was given back."""
    world.held_by()

    def then() -> None:
        if world.clock.now() == 5:
            world.server.drop("Lease", NAME)

    world.clock.then = then
    with world.take(wait=60) as held:
        assert world.clock.now() == 5
        assert held.died is None
    assert world.report.lasting == [("lock", "Waiting")]


def renewing(world: World, every: float = 4, ahead: float = 0) -> None:
    """Let the holder renew its Lease, by a clock that may be wrong."""

    def then() -> None:
        if world.clock.now() % every == 0:
            world.held_by(renewed=world.clock.now() + ahead)

    world.held_by(renewed=ahead)
    world.clock.then = then


def test_a_wait_has_a_limit(world: World) -> None:
    """A holder that works on keeps it."""
    renewing(world)
    with pytest.raises(LockedError), world.take(wait=30):
        pytest.fail("taken from the living")
    assert 30 <= world.clock.now() < 31


def test_a_holder_that_died_here_loses_the_lock_at_once(world: World) -> None:
    """A process of this machine is known to be gone; its releases may be in any state."""
    dead = world.held_by()
    with world.take(alive=False) as held:
        assert world.clock.now() == 0
        assert held.died == dead


def test_a_holder_that_lives_here_keeps_an_expired_lease_that_moves(world: World) -> None:
    """It was slow to renew, no more."""
    renewing(world, every=8)
    world.offset = 3600
    with pytest.raises(LockedError), world.take(alive=True):
        pytest.fail("taken from the living")


def test_an_expired_lease_that_does_not_move_is_taken(world: World) -> None:
    """Its holder was another machine's; it is watched first, since clocks differ."""
    dead = world.held_by(renewed=-60)
    with world.take() as held:
        assert held.died == dead
        assert WATCHED <= world.clock.now() <= WATCHED + 1
    assert world.report.lasting == [("lock", "Waiting")]


def test_an_expired_lease_that_moves_is_not_taken(world: World) -> None:
    """Our clock jumped an hour ahead: the holder's renewals say that it lives."""
    renewing(world)
    world.offset = 3600
    with pytest.raises(LockedError), world.take():
        pytest.fail("taken from the living")
    assert world.clock.now() < WATCHED + DURATION + 1, "the wait for that has a limit"


def test_a_dead_lease_of_the_future_is_taken(world: World) -> None:
    """Our clock jumped an hour back after its holder died: nothing would ever expire it."""
    dead = world.held_by(renewed=3600)
    with world.take() as held:
        assert held.died == dead
        assert WATCHED <= world.clock.now() <= WATCHED + 1


def test_a_living_lease_of_the_future_is_not_taken(world: World) -> None:
    """The holder's clock is an hour ahead of ours, and it renews."""
    renewing(world, ahead=3600)
    with pytest.raises(LockedError), world.take():
        pytest.fail("taken from the living")


def test_who_waits_takes_a_lease_that_stands_still(world: World) -> None:
    """By our own clock it does not look expired: not to move for as long as it holds is enough."""
    world.held_by(renewed=10)
    with world.take(wait=60) as held:
        assert held.died is not None
        assert DURATION <= world.clock.now() <= DURATION + 11


@pytest.mark.parametrize("spec", [{"renewTime": "yesterday"}, {"renewTime": None}, {"holderIdentity": None}])
def test_a_lease_that_cannot_be_read_is_one_that_expired(world: World, spec: dict[str, Any]) -> None:
    """Somebody's editor was in it; it is watched, then taken."""
    world.held_by(renewed=-60, **spec)
    with world.take() as held:
        assert held.died is not None


@pytest.mark.parametrize("facts", [None, "", "[]", "{", '{"who": {"user": "x"}}', '{"who": 1, "since": 2}'])
def test_a_holder_that_cannot_be_read_is_somebody(world: World, facts: str | None) -> None:
    """An older or a newer Dockyard holds it: that is no reason for a traceback, nor to take it."""
    renewing(world)
    lease = world.server.objects["Lease", NAME]
    lease["metadata"]["annotations"] = None if facts is None else {locking.HOLDER: facts}
    with pytest.raises(LockedError, match="somebody on an unknown host"), world.take():
        pytest.fail("taken from the living")


def test_two_that_start_at_the_same_instant_are_one(world: World) -> None:
    """Both see no Lease, and the server takes one: the other is refused."""
    inside, outcomes = threading.Barrier(2, timeout=10), []
    world.server.between = lambda method: (inside.wait(), None)[1] if method == "create" else None

    def deploy(who: Identity) -> None:
        how = replace(world.how(), clock=FakeClock())
        try:
            with holding(world.server, who, how, namespace="default", report=Recorder()):
                outcomes.append("held")
                ended.wait(10)
        except LockedError:
            outcomes.append("refused")
            ended.set()

    ended = threading.Event()
    threads = [threading.Thread(target=deploy, args=(who,)) for who in (US, OTHER)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(20)
    assert sorted(outcomes) == ["held", "refused"]
    assert world.lease is None


@pytest.mark.parametrize("round_", range(5))
def test_a_dead_holders_lock_goes_to_one(world: World, round_: int) -> None:
    """Eight find it at once; each that holds it finds itself alone."""
    world.held_by(renewed=-60 - round_)
    alone, outcomes = threading.Semaphore(1), []

    def deploy(number: int) -> None:
        how = replace(world.how(wait=1000), clock=FakeClock(), is_alive=lambda who: None if who != OTHER else False)
        who = replace(US, pid=number)
        try:
            with holding(world.server, who, how, namespace="default", report=Recorder()):
                outcomes.append("alone" if alone.acquire(blocking=False) else "crowded")
                alone.release()
        except LockedError:
            outcomes.append("refused")

    threads = [threading.Thread(target=deploy, args=(number,)) for number in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
    assert len(outcomes) == 8
    assert "alone" in outcomes
    assert "crowded" not in outcomes


class Losing(Server):
    """A server whose answers get lost: what was asked is done, then nobody is told.

    Attributes:
        loses: The method whose next answer is lost.
        says: What the client is told instead.
    """

    def __init__(self, loses: str, says: Exception) -> None:
        super().__init__()
        self.loses, self.says = loses, says

    def create(self, kind: str, body: Object) -> Object:
        """Make it."""
        return self._lost("create", super().create(kind, body))

    def replace(self, kind: str, body: Object) -> Object:
        """Replace it."""
        return self._lost("replace", super().replace(kind, body))

    def _lost(self, method: str, answer: Object) -> Object:
        if self.loses == method:
            self.loses = ""
            raise self.says
        return answer


CONFLICT = ApiRefusedError(409, "Conflict", "asked again on a new connection, and refused")


def test_a_creation_whose_answer_was_lost_is_ours(world: World) -> None:
    """The request went out twice, and the second is refused for the first."""
    world.server = Losing("create", CONFLICT)
    with world.take() as held:
        assert held.died is None
    assert world.lease is None


def test_a_takeover_whose_answer_was_lost_is_ours(world: World) -> None:
    """With the same care for what the dead one left."""
    world.server = Losing("replace", CONFLICT)
    dead = world.held_by()
    with world.take(alive=False) as held:
        assert held.died == dead


def test_a_server_that_refuses_the_lease_is_told(world: World) -> None:
    """Who may not make Leases cannot deploy safely."""
    world.server.troubles = [None, ApiRefusedError(403, "Forbidden", "leases is forbidden")]
    with pytest.raises(ApiRefusedError, match="forbidden"), world.take():
        pytest.fail("without a lock")


def test_a_server_that_is_gone_at_the_end_takes_no_result_away(world: World) -> None:
    """The Lease stays and expires; nobody waits until the server is back."""
    with world.take():
        world.server.troubles = [SILENT]
    assert world.lease is not None
    assert world.server.asked[-1] == "ready"


@pytest.mark.parametrize("trouble", [StoppedError("Stopped"), ClusterError("The cluster stopped"), SILENT])
def test_the_end_of_the_work_is_what_is_told(world: World, trouble: Exception) -> None:
    """Where giving back fails, too, the first error is the one that counts."""

    def work() -> None:
        with world.take():
            world.server.troubles = [None, trouble]
            raise RefusedError("the first")

    with pytest.raises(RefusedError, match="the first"):
        work()


def test_somebody_elses_lease_is_not_given_back(world: World) -> None:
    """We were taken for dead: the lock is another's now."""
    with world.take():
        taken = world.held_by()
    assert world.lease is not None
    assert read_claim(world.lease) == taken


class Renewals:
    """The event that ends the renewals: it lets some rounds pass, each as if RENEW seconds had gone by."""

    def __init__(self, *rounds: Callable[[], object]) -> None:
        self._rounds = list(rounds)

    def wait(self, _seconds: float) -> bool:
        """Let the next round begin; True after the last."""
        if not self._rounds:
            return True
        self._rounds.pop(0)()
        return False


def keep(world: World, *rounds: Callable[[], object]) -> Lock:
    """Hold the lock over some renewals."""
    held = Lock(world.held_by(US))
    ended = cast("threading.Event", Renewals(*rounds))
    locking._keep(world.server, held, world.wall, ended)  # noqa: SLF001 - what its thread does, without the waiting
    return held


def test_a_lease_is_renewed(world: World) -> None:
    """While its holder works; who took it and when stays."""
    held = keep(world, lambda: world.clock.sleep(4), lambda: world.clock.sleep(4))
    assert world.lease is not None
    assert world.lease["spec"]["renewTime"] == "2026-01-01T12:00:08.000000Z"
    assert world.lease["spec"]["acquireTime"] == "2026-01-01T12:00:00.000000Z"
    assert read_claim(world.lease) == held.claim
    held.check()


def test_a_server_that_is_away_for_a_while_loses_no_lock(world: World) -> None:
    """Nobody else could take it either; it is renewed at the next turn."""

    def away() -> None:
        world.server.troubles = [SILENT]
        world.clock.sleep(4)

    held = keep(world, away, away, away, away, lambda: world.clock.sleep(4))
    held.check()
    assert world.lease is not None
    assert world.lease["spec"]["renewTime"] == "2026-01-01T12:00:20.000000Z"


@pytest.mark.parametrize("event", ["taken", "deleted"])
def test_a_lock_that_was_lost_lets_nothing_more_begin(world: World, event: str) -> None:
    """Another deploy is at work: two would undo each other's."""
    events: dict[str, Callable[[], object]] = {
        "taken": world.held_by,
        "deleted": lambda: world.server.drop("Lease", NAME),
    }
    held = keep(world, events[event])
    with pytest.raises(RefusedError, match="The lock was lost") as caught:
        held.check()
    assert caught.value.exit_code == 4
    assert [asked for asked in world.server.asked if asked.startswith(("replace", "create"))] == []


def test_a_lease_that_is_taken_between_reading_and_renewing_is_not_overwritten(world: World) -> None:
    """Versions see to it."""

    def taken(_method: str) -> None:
        world.server.between = lambda _: None
        world.held_by()

    def arm() -> None:
        world.server.between = taken

    held = keep(world, arm, lambda: None)
    assert held.lost.is_set()
    assert world.lease is not None
    assert read_claim(world.lease).who == OTHER
