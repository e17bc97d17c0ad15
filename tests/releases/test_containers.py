"""Containers that run as long as their pod."""

from __future__ import annotations

from dockyard.releases.causes import Object
from dockyard.releases.containers import lasting_containers, lasting_statuses
from tests.releases.objects import ends, pod, runs

SPEC: Object = {
    "initContainers": [{"name": "migrate"}, {"name": "proxy", "restartPolicy": "Always"}],
    "containers": [{"name": "app"}],
}
MIGRATED: Object = {**ends(0, "Completed"), "name": "migrate"}
PROXY: Object = {**runs(), "name": "proxy"}


def test_sidecars_last_as_long_as_containers() -> None:
    """Init containers that end do not."""
    assert [container["name"] for container in lasting_containers(SPEC)] == ["proxy", "app"]
    statuses = lasting_statuses(pod("web-a", runs(), init=(MIGRATED, PROXY), spec=SPEC))
    assert [status["name"] for status in statuses] == ["proxy", "app"]


def test_a_pod_without_reported_containers_has_no_statuses() -> None:
    """Its sidecar may run already: the containers do not."""
    assert lasting_statuses(pod("web-a", init=(PROXY,), spec=SPEC)) == []
    assert lasting_containers({}) == []
