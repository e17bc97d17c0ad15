"""Which addresses the cluster's names have: what Services and Endpoints say, without any input or output.

The rules are those of the Kubernetes DNS specification for A records: `SERVICE.NAMESPACE.svc.DOMAIN` is the service's
address; a headless service's name is all its ready endpoints; `HOST.SERVICE.NAMESPACE.svc.DOMAIN` is the endpoint with
that host name. A service of type ExternalName is another name. SRV and PTR records are not there.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

Object = Mapping[str, Any]
"""A Service or an Endpoints object, as the API server writes it in JSON."""

Key = tuple[str, str]
"""Namespace and name of an object."""

SERVICES, ENDPOINTS = "services", "endpoints"
"""The kinds of object that names come from, as the API's paths call them."""

_HEADLESS = "None"
_SERVICE_LABELS, _ENDPOINT_LABELS = 2, 3


@dataclass(frozen=True, slots=True)
class Found:
    """A name that is there.

    Attributes:
        addresses: Its IPv4 addresses; a headless service without ready endpoints has none.
        alias: The name that it stands for, where the service is an ExternalName.
    """

    addresses: tuple[str, ...] = ()
    alias: str = ""


class Directory:
    """The cluster's names. Written by the watches, read by the answering threads.

    Attributes:
        domain: The cluster's domain, `cluster.local`.
    """

    def __init__(self, domain: str) -> None:
        self.domain = domain
        self._suffix = f".svc.{domain}"
        self._objects: dict[str, dict[Key, Object]] = {}

    @property
    def complete(self) -> bool:
        """Whether both kinds were listed at least once: until then a name that is not found may be there."""
        return len(self._objects) == len((SERVICES, ENDPOINTS))

    def replace(self, kind: str, objects: list[Object]) -> None:
        """Take a whole list in place of all that was known."""
        self._objects[kind] = {_key(item): item for item in objects}

    def put(self, kind: str, item: Object) -> None:
        """Take an object that is new or has changed."""
        self._objects[kind][_key(item)] = item

    def drop(self, kind: str, item: Object) -> None:
        """Forget an object."""
        self._objects[kind].pop(_key(item), None)

    def owns(self, name: str) -> bool:
        """Tell whether a name is the cluster's to answer."""
        return name == self.domain or name.endswith(f".{self.domain}")

    def find(self, name: str) -> Found | None:
        """Return what a name has, or None where there is no such name."""
        labels = name.removesuffix(self._suffix).split(".") if name.endswith(self._suffix) else []
        if len(labels) not in (_SERVICE_LABELS, _ENDPOINT_LABELS):
            return None
        *host, service_name, namespace = labels
        key = (namespace, service_name)
        service = self._objects.get(SERVICES, {}).get(key)
        if service is None:
            return None
        return self._endpoint(key, host[0]) if host else self._service(key, service["spec"])

    def _service(self, key: Key, spec: Object) -> Found:
        if alias := spec.get("externalName"):
            return Found(alias=str(alias).rstrip(".").lower())
        address = spec.get("clusterIP", _HEADLESS)
        if address != _HEADLESS:
            return Found((str(address),))
        return Found(tuple(entry["ip"] for entry in self._ready(key)))

    def _endpoint(self, key: Key, host: str) -> Found | None:
        addresses = tuple(entry["ip"] for entry in self._ready(key) if entry.get("hostname") == host)
        return Found(addresses) if addresses else None

    def _ready(self, key: Key) -> list[Object]:
        subsets = self._objects.get(ENDPOINTS, {}).get(key, {}).get("subsets") or []
        return [entry for subset in subsets for entry in subset.get("addresses") or []]


def _key(item: Object) -> Key:
    return item["metadata"]["namespace"], item["metadata"]["name"]
