"""The containers that run as long as their pod: its containers and its sidecars.

A sidecar is an init container with `restartPolicy: Always`: it is started before the containers and keeps running
beside them (Kubernetes documentation, "Sidecar Containers").
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping

Object = dict[str, Any]


def is_sidecar(init_container: Mapping[str, Any]) -> bool:
    """Whether an init container keeps running beside the containers of its pod."""
    return init_container.get("restartPolicy") == "Always"


def lasting_containers(spec: Mapping[str, Any]) -> list[Object]:
    """Return the sidecars and the containers of a pod's specification."""
    return [*filter(is_sidecar, spec.get("initContainers") or ()), *(spec.get("containers") or ())]


def lasting_statuses(pod: Mapping[str, Any]) -> list[Object]:
    """Return the statuses of the sidecars and the containers of a pod; none if the kubelet has not reported any."""
    status, spec = pod.get("status", {}), pod["spec"]
    containers = status.get("containerStatuses") or []
    sidecars = {container["name"] for container in spec.get("initContainers") or () if is_sidecar(container)}
    started = [entry for entry in status.get("initContainerStatuses") or () if entry["name"] in sidecars]
    return [*started, *containers] if containers else []
