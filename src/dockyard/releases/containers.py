"""The containers that run as long as their pod: its containers and its sidecars."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from dockyard.charts.pods import containers

if TYPE_CHECKING:
    from collections.abc import Mapping

Object = dict[str, Any]


def lasting_containers(spec: Mapping[str, Any]) -> list[Object]:
    """Return the sidecars and the containers of a pod's specification."""
    return [dict(container.content) for container in containers(spec) if not container.init]


def lasting_statuses(pod: Mapping[str, Any]) -> list[Object]:
    """Return the statuses of the sidecars and the containers of a pod; none if the kubelet has not reported any."""
    status = pod.get("status", {})
    listed = status.get("containerStatuses") or []
    sidecars = {container.content["name"] for container in containers(pod["spec"]) if container.sidecar}
    started = [entry for entry in status.get("initContainerStatuses") or () if entry["name"] in sidecars]
    return [*started, *listed] if listed else []
