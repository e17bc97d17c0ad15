"""Removing a release, and knowing that it is gone."""

from __future__ import annotations

import pytest

from dockyard.charts.manifests import Manifests
from dockyard.model.errors import RolloutError
from dockyard.releases.remove import LIMIT, await_gone, remove
from dockyard.releases.workload import Object
from tests.fakes import FakeClock, FakeHelm

MANIFEST = """
kind: Deployment
metadata: {name: web}
spec: {template: {metadata: {labels: {app: web}}, spec: {}}}
---
kind: Service
metadata: {name: web-service}
"""


def thing(kind: str, name: str, *, leaving: bool = True, **labels: str) -> Object:
    """Return an object of the cluster."""
    metadata: Object = {"name": name, "labels": labels}
    return {"kind": kind, "metadata": {**metadata, "deletionTimestamp": "now"} if leaving else metadata}


class Leaving:
    """A cluster whose objects go away, one look after the other."""

    def __init__(self, *looks: list[Object]) -> None:
        self.looks, self.asked = list(looks), []

    asked: list[tuple[str, ...]]

    def get(self, *kinds: str, selector: str = "") -> tuple[Object, ...]:
        """Return what is there at this look; the last one lasts."""
        assert not selector
        self.asked.append(kinds)
        return tuple(self.looks.pop(0) if len(self.looks) > 1 else self.looks[0])

    def logs(self, pod: str, *, tail: int, previous: bool = False) -> str:
        """Have none."""
        return f"{pod} {tail} {previous}"


def test_removing_ends_when_objects_and_pods_are_gone() -> None:
    """Helm returns while a Deployment and a pod are on their way out; foreign objects do not count."""
    helm, clock = FakeHelm({"web": MANIFEST}), FakeClock()
    helm.record("web", MANIFEST)
    foreign = thing("Pod", "other-1", leaving=False, app="other")
    cluster = Leaving(
        [thing("Deployment", "web"), thing("Pod", "web-1", app="web"), foreign],
        [thing("Pod", "web-1", app="web"), foreign],
        [foreign],
    )
    remove(helm, cluster, "web", clock=clock)
    assert helm.calls == ["uninstall web"]
    assert cluster.asked == [("deployment", "pod", "service")] * 3
    assert clock.now() == pytest.approx(1.0)


def test_what_does_not_go_is_named_at_the_limit() -> None:
    """A finalizer that nobody serves holds an object for ever: the sentence says which."""
    clock = FakeClock()
    with pytest.raises(RolloutError) as caught:
        await_gone("web", Leaving([thing("Service", "web-service")]), Manifests.parse(MANIFEST), clock=clock)
    assert caught.value.what == f"Release web is not gone after {LIMIT:g} s"
    assert caught.value.why == "Still there: service/web-service"
    assert clock.now() >= LIMIT


def test_before_an_install_only_what_is_leaving_is_waited_for() -> None:
    """An object of that name that stays is Helm's to judge, not a reason to wait."""
    clock = FakeClock()
    stays = thing("Service", "web-service", leaving=False)
    cluster = Leaving([thing("Deployment", "web"), stays], [stays])
    await_gone("web", cluster, Manifests.parse(MANIFEST), clock=clock, only_leaving=True)
    assert clock.now() == pytest.approx(0.5)
