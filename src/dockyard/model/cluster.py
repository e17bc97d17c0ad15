"""The local cluster (data-model.md, section 7)."""

import re
from ipaddress import ip_address
from typing import Annotated, Final, Literal

from pydantic import Strict

from dockyard.model.entity import Entity
from dockyard.model.errors import RuleError
from dockyard.model.rule import Rule, between, distinct
from dockyard.model.tag import SEMVER, is_semver

SECTION = "data-model.md, section 7"

DEFAULT_CPUS = 2
DEFAULT_MEMORY_MB = 4096
DEFAULT_DRIVER: Final = "docker"

EMBEDDED_KUBERNETES: Final = "v1.36.3"
"""Kubernetes version of the embedded cluster's node image."""

EMBEDDED_ADDONS: Final = ("default-storageclass", "metrics-server", "storage-provisioner")
"""Addons of the embedded cluster, under Minikube's names. They are always enabled."""

Provider = Literal["embedded", "minikube"]
"""What runs a cluster."""

ADDON = "^[a-z0-9][a-z0-9-]*$"

Driver = Literal["docker", "virtualbox", "kvm2"]
Status = Literal["Running", "Stopped", "Paused"]

Cpus = Annotated[int, Strict(), between(1, 1024, "a number of CPU cores", SECTION)]
MemoryMB = Annotated[int, Strict(), between(1, 2**24, "an amount of memory in MB", SECTION)]


def kubernetes_version(text: str) -> str:
    """Return a Kubernetes version as clusters report it, with a leading `v`.

    Raises:
        RuleError: It is not `v` and a semantic version.
    """
    if not text.startswith("v") or not is_semver(text[1:]):
        raise RuleError(f"{text[:64]!r} is not a version of Kubernetes", why=f"It is written like v1.28.3 ({SECTION})")
    return text


def wanted_kubernetes_version(text: str) -> str:
    """Return a Kubernetes version of dockyard.yaml with the leading `v`, which may be omitted there.

    Raises:
        RuleError: It is not a semantic version.
    """
    return kubernetes_version(f"v{text}" if is_semver(text) else text)


def _address(text: str) -> str:
    try:
        ip_address(text)
    except ValueError as error:
        raise RuleError(f"{text[:64]!r} is not an IP address", why=f"The cluster's ip is one ({SECTION})") from error
    return text


def _addon(name: str) -> str:
    if re.fullmatch(ADDON, name, re.ASCII) is None:
        raise RuleError(f"{name[:64]!r} is not an addon", why=f"It is written like metrics-server ({SECTION})")
    return name


KubernetesVersion = Annotated[str, Rule(kubernetes_version, {"pattern": f"^v{SEMVER}$"})]
WantedKubernetesVersion = Annotated[str, Rule(wanted_kubernetes_version, {"pattern": f"^v?{SEMVER}$"})]
Addons = Annotated[tuple[Annotated[str, Rule(_addon, {"pattern": ADDON})], ...], distinct("addon", SECTION)]


class MinikubeCluster(Entity):
    """A local cluster as it is; a cluster that does not exist is None, not a status.

    Attributes:
        cpus: CPU cores it has.
        memory: Memory it has, in MB as Minikube counts them (1024 * 1024 bytes).
        driver: What it runs on.
        kubernetes_version: `v1.28.3`.
        status: Running, Stopped or Paused.
        ip: Where its NodePorts are reached, or None while it has no address.
        addons: Addons that are switched on.
    """

    cpus: Cpus = DEFAULT_CPUS
    memory: MemoryMB = DEFAULT_MEMORY_MB
    driver: Driver = DEFAULT_DRIVER
    kubernetes_version: KubernetesVersion
    status: Status
    ip: Annotated[str, Rule(_address)] | None = None
    addons: Addons = ()
