"""Removing a release, and knowing that it is gone."""

from __future__ import annotations

import pytest

from dockyard.charts.manifests import Manifests
from dockyard.model.errors import RolloutError
from dockyard.releases.causes import Object
from dockyard.releases.records import mark_good, read_records
from dockyard.releases.remove import LIMIT, PAUSE, await_gone, remove, still_there
from tests.fakes import FakeClock, FakeHelm
from tests.releases.conftest import Work
from tests.releases.server import SILENT, Server

MANIFEST = """
kind: Deployment
metadata: {name: web}
spec: {template: {metadata: {labels: {app: web}}, spec: {}}}
---
kind: Service
metadata: {name: web-service}
"""
SENT = Manifests.parse(MANIFEST)


def thing(kind: str, name: str, *, leaving: bool = True, **labels: str) -> Object:
    """Return an object of the cluster."""
    metadata: Object = {"name": name, "labels": labels}
    return {"kind": kind, "metadata": {**metadata, "deletionTimestamp": "now"} if leaving else metadata}


FOREIGN = thing("Pod", "other-1", leaving=False, app="other")


class Scenes(FakeClock):
    """A clock on which the cluster's objects change: from so many seconds on it has these."""

    def __init__(self, server: Server, *scenes: tuple[float, list[Object]]) -> None:
        super().__init__()
        self._server, self._scenes = server, scenes
        self.sleep(0)

    def sleep(self, seconds: float) -> None:
        """Pass the time."""
        super().sleep(seconds)
        self._server.objects.clear()
        self._server.hold(*next(scene for since, scene in reversed(self._scenes) if self.now() >= since))


def test_the_end_is_when_objects_and_pods_are_gone() -> None:
    """Helm returns while a Deployment and a pod are on their way out; foreign objects do not count."""
    server, last = Server(), thing("Pod", "web-1", app="web", hash="1")
    clock = Scenes(server, (0, [thing("Deployment", "web"), last, FOREIGN]), (2, [last, FOREIGN]), (4, [FOREIGN]))
    await_gone("web", server, SENT, clock=clock)
    assert clock.now() == pytest.approx(4)


@pytest.mark.parametrize(("annotation", "kept"), [("keep", True), ("", False)])
def test_what_helm_leaves_on_purpose_is_not_waited_for(annotation: str, *, kept: bool) -> None:
    """Until somebody deletes it: then it is on its way out like anything else."""
    service = thing("Service", "web-service", leaving=False)
    service["metadata"]["annotations"] = {"helm.sh/resource-policy": annotation}
    server = Server()
    server.hold(service)
    assert list(still_there(server, SENT, only_leaving=False)) == ([] if kept else ["service/web-service"])
    service["metadata"]["deletionTimestamp"] = "now"
    server.hold(service)
    assert list(still_there(server, SENT, only_leaving=False)) == ["service/web-service"]


def test_what_does_not_go_is_named_at_the_limit() -> None:
    """A finalizer that nobody serves holds an object for ever: the sentence says which."""
    server = Server()
    clock = Scenes(server, (0, [thing("Service", "web-service"), thing("Pod", "web-1", app="web")]))
    with pytest.raises(RolloutError) as caught:
        await_gone("web", server, SENT, clock=clock)
    assert caught.value.what == f"Release web is not gone after {LIMIT:g} s"
    assert caught.value.why == "Still there: pod/web-1, service/web-service"
    assert LIMIT <= clock.now() <= LIMIT + PAUSE


def test_a_long_list_is_cut() -> None:
    """Five names and a number."""
    server = Server()
    clock = Scenes(server, (0, [thing("Pod", f"web-{at}", app="web") for at in range(7)]))
    with pytest.raises(RolloutError, match=r"pod/web-4 and 2 more"):
        await_gone("web", server, SENT, clock=clock)


def test_before_an_install_only_what_is_leaving_is_waited_for() -> None:
    """An object of that name that stays is Helm's to judge, not a reason to wait."""
    server, stays = Server(), thing("Service", "web-service", leaving=False)
    clock = Scenes(server, (0, [thing("Deployment", "web"), stays]), (1, [stays]))
    await_gone("web", server, SENT, clock=clock, only_leaving=True)
    assert clock.now() == pytest.approx(1)


def test_a_server_that_is_silent_for_a_moment_is_asked_again() -> None:
    """It is no proof that something is there, nor that nothing is."""
    server, clock = Server(), FakeClock()
    server.troubles = [SILENT]
    await_gone("web", server, SENT, clock=clock)
    assert clock.now() == PAUSE


def test_a_release_is_uninstalled_and_forgotten(work: Work) -> None:
    """Its objects, Helm's records and what Dockyard remembered; the others' stays."""
    work.deployed("v1")
    work.deployed("v2")
    other = work.helm.record("api", work.helm.charts["api"])
    mark_good(work.api, other)
    remove(work.helm, work.api, "web", clock=work.clock)
    assert work.helm.calls == ["uninstall web"]
    assert {name: record.good for name, record in read_records(work.api).items()} == {"api": {1}}
    assert ("Deployment", "web") not in work.api.objects
    work.deployed("v1", good=False)
    assert work.good == set()


def test_what_is_half_there_is_waited_for_too(work: Work) -> None:
    """A cut upgrade may have made objects that the revision before it has not."""
    work.deployed("v1")
    work.helm.record("web", f"{work.helm.charts['web']}---\n{MANIFEST}", status="pending-upgrade")
    work.api.put(thing("Service", "web-service"))

    def all_but_the_service(_: Manifests) -> None:
        for kind, name in [key for key in work.api.objects if key[0] != "Service"]:
            work.api.drop(kind, name)

    work.helm.on_call = lambda _: setattr(work.api, "remove", all_but_the_service)
    records = read_records(work.api)
    assert len(records["web"].revisions) == 2
    with pytest.raises(RolloutError, match="service/web-service"):
        remove(work.helm, work.api, "web", clock=work.clock)


def test_what_is_not_there_is_gone(work: Work) -> None:
    """Helm is not called for it."""
    remove(work.helm, work.api, "web", clock=work.clock)
    assert work.helm.calls == []


def test_a_refused_removal_says_why(work: Work) -> None:
    """Helm's own words; nothing is forgotten."""
    work.deployed("v1")
    work.helm.refuses = {"uninstall web": ["Error: uninstall: no\n"]}
    helm: FakeHelm = work.helm
    with pytest.raises(RolloutError) as caught:
        remove(helm, work.api, "web", clock=work.clock)
    assert str(caught.value) == "Release web could not be removed. Error: uninstall: no."
    assert work.good == {1}
