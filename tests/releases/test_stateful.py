"""StatefulSets that a broken pod of an older revision holds up."""

from __future__ import annotations

import pytest

from dockyard.releases.causes import Object
from dockyard.releases.stateful import LIMIT, replace_broken
from dockyard.releases.workload import HASH
from tests.fakes import FakeApi, FakeClock
from tests.releases.objects import deployment, manifests, pod, runs, stateful_set, waits

SENT = manifests(stateful_set("db"), deployment("web"))
CRASHES = waits("CrashLoopBackOff", restarts=4)


def member(name: str, container: Object, *, revision: str = "db-old", leaving: bool = False) -> Object:
    """Return a pod of the StatefulSet."""
    made = pod(name, container, owner="uid-db", leaving=leaving)
    made["metadata"]["labels"] = {HASH: revision}
    return made


def live(*, observed: int = 4) -> Object:
    """Return the StatefulSet as its controller has it."""
    return stateful_set("db", updateRevision="db-new", observedGeneration=observed)


def replaced(api: FakeApi) -> list[str]:
    """Return the pods that are deleted for a release."""
    return list(replace_broken(api, SENT, FakeClock()))


def test_a_broken_pod_of_an_older_revision_is_deleted() -> None:
    """Its controller makes one of the newest in its place; it alone waits for nothing else."""
    api = FakeApi()
    api.put(live(), member("db-0", CRASHES))
    assert replaced(api) == ["db-0"]
    assert ("Pod", "db-0") not in api.objects


OTHERS: dict[str, Object] = {
    "of the newest revision": member("db-0", CRASHES, revision="db-new"),
    "Ready": member("db-0", runs()),
    "on its way out": member("db-0", CRASHES, leaving=True),
    "of somebody else": pod("web-a", CRASHES),
}


@pytest.mark.parametrize("other", OTHERS.values(), ids=OTHERS)
def test_any_other_pod_stays(other: Object) -> None:
    """A rollout replaces it in its own time, or has no business with it."""
    api = FakeApi()
    api.put(live(), other)
    assert replaced(api) == []
    assert ("Pod", other["metadata"]["name"]) in api.objects


def test_a_release_without_stateful_sets_asks_nothing() -> None:
    """As most are: no question is asked of a silent server either."""
    api = FakeApi()
    api.silent = True
    assert list(replace_broken(api, manifests(deployment("web")), FakeClock())) == []


def test_a_stateful_set_that_is_not_there_has_no_pods() -> None:
    """Somebody deleted it meanwhile."""
    assert replaced(FakeApi()) == []


def test_which_revision_is_newest_is_known_once_the_controller_saw_it() -> None:
    """Until then every pod looks like one of the newest; a controller that sleeps is not waited for long."""
    api, clock = FakeApi(), FakeClock()
    api.put(live(observed=3), member("db-0", CRASHES))
    assert list(replace_broken(api, SENT, clock)) == []
    assert LIMIT <= clock.now() < LIMIT + 1
