"""One deploy at a time per cluster and namespace: a Lease in the cluster.

The Lease says who holds it, and is renewed while its holder lives. A holder that died is known at once where it was a
process of this machine, else by its Lease that nobody renews. Clocks of two machines differ, and one may jump: a Lease
that looks expired is watched for a while, and is taken only where it really does not move.

Source: Kubernetes API reference, "Lease v1"; the same care as in client-go's leader election.
"""

from __future__ import annotations

import json
import threading
import uuid
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime, timedelta
from functools import partial
from http import HTTPStatus
from typing import TYPE_CHECKING, Protocol

from dockyard.model.errors import ApiRefusedError, DockyardError, RefusedError
from dockyard.model.events import Event
from dockyard.tools.clock import ticks
from dockyard.tools.docker import KIND
from dockyard.tools.identity import Identity

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from dockyard.model.events import Report
    from dockyard.tools.clock import Clock
    from dockyard.tools.kubernetes import Object

NAME = "dockyard"
HOLDER = "dev.dockyard/holder"
"""The annotation with the facts of the holder."""

DURATION = 15
"""Seconds after which a Lease that was not renewed is expired."""

RENEW = 4.0
"""Seconds between two renewals."""

WATCHED = 2 * RENEW + 1
"""Seconds that a Lease which looks expired must not move to be taken."""

PAUSE = 0.25

QUICKER = (HTTPStatus.CONFLICT, HTTPStatus.NOT_FOUND)
"""How replacing is refused where another process was quicker."""


class Store(Protocol):
    """What the lock asks of the API server."""

    def ready(self) -> bool:
        """Tell at once whether it answers; the others may wait until it does."""

    def get(self, kind: str, name: str) -> Object | None:
        """Return an object, or None."""

    def create(self, kind: str, body: Object) -> Object:
        """Make an object."""

    def replace(self, kind: str, body: Object) -> Object:
        """Replace an object of that version."""

    def delete(self, kind: str, name: str, *, uid: str = "", version: str = "") -> bool:
        """Delete an object of that version."""


@dataclass(frozen=True, slots=True)
class Claim:
    """Who holds, or wants, the lock.

    Attributes:
        who: The process.
        since: When it took the lock, in UTC.
        token: What tells it from every other claim.
    """

    who: Identity
    since: datetime
    token: str = field(default_factory=lambda: uuid.uuid4().hex)

    def __str__(self) -> str:
        """Return a phrase for people."""
        return (
            f"{self.who.user} on {self.who.host}, process {self.who.pid} (`{self.who.command}`), "
            f"since {self.since:%Y-%m-%d %H:%M:%S} UTC"
        )


class LockedError(RefusedError):
    """Another deploy is at work.

    Attributes:
        holder: Who.
    """

    def __init__(self, holder: Claim, namespace: str) -> None:
        self.holder = holder
        super().__init__(
            f"Another deploy is at work in namespace {namespace}",
            why=f"The lock is held by {holder}",
            fix="Wait for it, with `--wait-lock 300` say; a holder that died loses the lock by itself",
        )


@dataclass(slots=True)
class Lock:
    """The lock while it is held.

    Attributes:
        claim: Ours.
        died: Whom it was taken from, where its holder died with it; its releases may be in any state.
        lost: Set when somebody else has it.
    """

    claim: Claim
    died: Claim | None = None
    lost: threading.Event = field(default_factory=threading.Event)

    def check(self) -> None:
        """Refuse to go on without the lock.

        Raises:
            RefusedError: It was lost.
        """
        if self.lost.is_set():
            raise RefusedError(
                "The lock was lost, and nothing more is started",
                why=f"The API server could not be reached for more than {DURATION} s, and another deploy took it",
                fix="Wait for the other deploy, then run the same command again",
            )


@dataclass(frozen=True, slots=True, kw_only=True)
class Locking:
    """What taking the lock needs beside the cluster.

    Attributes:
        clock: For waiting.
        wall: The time of day, in UTC.
        is_alive: Tells whether a process lives; None where that cannot be told.
        wait: Seconds to wait for another holder.
    """

    clock: Clock
    wall: Callable[[], datetime]
    is_alive: Callable[[Identity], bool | None]
    wait: float = 0.0


@contextmanager
def holding(store: Store, who: Identity, how: Locking, *, namespace: str, report: Report) -> Iterator[Lock]:
    """Hold the lock for a block; it is renewed in the background, and given back at the block's end.

    Raises:
        LockedError: Somebody else holds it, and did not give it back in time.
    """
    lock = _take(store, Claim(who, how.wall()), how, namespace, report)
    ended = threading.Event()
    keeper = threading.Thread(target=_keep, args=(store, lock, how.wall, ended), name="lock", daemon=True)
    keeper.start()
    try:
        yield lock
    finally:
        ended.set()
        keeper.join(RENEW)
        # A server that is gone keeps a Lease that expires: how the work ended is told at once, and nothing else.
        with suppress(DockyardError):
            if store.ready():
                _give_back(store, lock)


def _take(store: Store, claim: Claim, how: Locking, namespace: str, report: Report) -> Lock:
    """Return the lock once it is ours."""
    seen: tuple[str, float] = ("", 0.0)
    told = False
    lease: Object | None = None
    died: Claim | None = None
    for gone in ticks(how.clock, limit=how.wait + WATCHED + DURATION, pause=PAUSE):
        lease = store.get("Lease", NAME)
        if lease is None:
            if _try(partial(store.create, "Lease", _lease(claim, how.wall())), HTTPStatus.CONFLICT):
                return Lock(claim)
            continue
        holder, renewed = read_claim(lease), lease["spec"].get("renewTime", "")
        if holder.token == claim.token:  # the answer to what we sent was lost
            return Lock(claim, died=died)
        if renewed != seen[0]:
            seen = renewed, gone
        still = gone - seen[1]
        dead = how.is_alive(holder.who) is False
        expired = is_expired(lease, how.wall())
        if dead or still >= DURATION or (expired and still >= WATCHED):
            taken = {**_lease(claim, how.wall()), "metadata": {**_metadata(claim), **_version(lease)}}
            died = holder
            if _try(partial(store.replace, "Lease", taken)):
                return Lock(claim, died=died)
            continue
        if gone >= how.wait and not expired:
            break
        if not told:
            told = True
            report(Event("lock", "Waiting", f"held by {holder}"))
    raise LockedError(read_claim(lease or {}), namespace)


def _try(change: Callable[[], object], *others: HTTPStatus) -> bool:
    """Return whether a change was made; False where another process was quicker, which the API server says with others.

    Replacing is refused with a conflict, or with not found where the object went away; making one only with a conflict.
    """
    try:
        change()
    except ApiRefusedError as error:
        if error.status in (others or QUICKER):
            return False
        raise
    return True


def _keep(store: Store, lock: Lock, wall: Callable[[], datetime], ended: threading.Event) -> None:
    while not ended.wait(RENEW):
        if not store.ready():  # asked again at the next turn
            continue
        with suppress(DockyardError):
            lease = store.get("Lease", NAME)
            if lease is None or read_claim(lease).token != lock.claim.token:
                lock.lost.set()
                return
            spec = {**lease["spec"], "renewTime": _micro(wall())}
            _try(partial(store.replace, "Lease", {**lease, "spec": spec}))


def _give_back(store: Store, lock: Lock) -> None:
    lease = store.get("Lease", NAME)
    if lease is not None and read_claim(lease).token == lock.claim.token:
        store.delete("Lease", NAME, version=lease["metadata"]["resourceVersion"])


def is_expired(lease: Object, now: datetime) -> bool:
    """Tell whether a Lease looks expired by a clock, or renewed in its future; that alone proves nothing."""
    try:
        renewed = datetime.fromisoformat(lease["spec"]["renewTime"])
        return abs(now - renewed) > timedelta(seconds=lease["spec"].get("leaseDurationSeconds", DURATION))
    except (KeyError, ValueError, TypeError):
        return True


def read_claim(lease: Object) -> Claim:
    """Return who holds a Lease, as far as it says so."""
    try:
        facts = json.loads(lease["metadata"]["annotations"][HOLDER])
        who, since = Identity(**facts["who"]), datetime.fromisoformat(facts["since"])
    except (KeyError, ValueError, TypeError):
        who, since = Identity("somebody", "an unknown host", 0, "", "", "unknown"), datetime.fromtimestamp(0, UTC)
    return Claim(who, since, str((lease.get("spec") or {}).get("holderIdentity", "")))


def _lease(claim: Claim, now: datetime) -> Object:
    return {
        "apiVersion": "coordination.k8s.io/v1",
        "kind": "Lease",
        "metadata": _metadata(claim),
        "spec": {
            "holderIdentity": claim.token,
            "leaseDurationSeconds": DURATION,
            "acquireTime": _micro(claim.since),
            "renewTime": _micro(now),
        },
    }


def _metadata(claim: Claim) -> Object:
    facts = json.dumps({"who": asdict(claim.who), "since": claim.since.isoformat()})
    return {"name": NAME, "labels": {KIND: "lock"}, "annotations": {HOLDER: facts}}


def _version(lease: Object) -> Object:
    return {"resourceVersion": lease["metadata"]["resourceVersion"]}


def _micro(moment: datetime) -> str:
    """Return a time as Kubernetes' MicroTime has it."""
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")
