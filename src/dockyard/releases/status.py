"""What is there, for people who ask: releases, revisions, pods' logs, URLs."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from dockyard.charts.manifests import WORKLOADS
from dockyard.model.errors import RolloutError, UnknownNameError
from dockyard.releases import secret
from dockyard.releases.records import read_records
from dockyard.releases.services import exposed_services, release_unused_addresses

if TYPE_CHECKING:
    from collections.abc import Iterator
    from datetime import datetime

    from dockyard.releases.records import ReleaseRecord
    from dockyard.releases.site import Site


@dataclass(frozen=True, slots=True)
class ReleaseStatus:
    """One release, now.

    Attributes:
        release: Its name.
        state: A state of the specification, or Absent.
        revision: Its newest revision; 0 where it is absent.
        tag: The tag of its image.
        ready: Pods that are ready.
        wanted: Pods there should be.
        note: What is missing, or Helm's word where that is not `deployed`.
    """

    release: str
    state: str
    revision: int = 0
    tag: str = ""
    ready: int = 0
    wanted: int = 0
    note: str = ""


def statuses(site: Site) -> tuple[ReleaseStatus, ...]:
    """Return each release of the project, in its order."""
    there = read_records(site.api)
    return tuple(_status(site, name, there.get(name)) for name in site.workspace.project.order())


def _status(site: Site, name: str, record: ReleaseRecord | None) -> ReleaseStatus:
    if record is None:
        return ReleaseStatus(name, "Absent", note="not installed; `./inv deploy` does it")
    newest = record.newest
    verdict = site.view.look().verdict(newest.manifests)
    note = verdict.text if newest.status == "deployed" else f"Helm says {newest.status}. {verdict.text}".strip()
    return ReleaseStatus(name, verdict.state, newest.number, newest.app_version, verdict.ready, verdict.wanted, note)


def require_record(site: Site, release: str) -> ReleaseRecord:
    """Return what the cluster remembers of a release.

    Raises:
        UnknownNameError: Neither the project nor the cluster has a release of that name.
        RolloutError: The project has it, and it is not installed.
    """
    there = read_records(site.api)
    if release in there:
        return there[release]
    if release in site.workspace.project.releases:
        raise RolloutError(f"Release {release} is not installed", fix="Run `./inv deploy`")
    raise UnknownNameError("release", release, sorted({*site.workspace.project.releases, *there}))


@dataclass(frozen=True, slots=True)
class HistoryEntry:
    """One revision, for people.

    Attributes:
        revision: Its number.
        updated: When it was made.
        status: Helm's word.
        good: Whether Dockyard saw it Ready.
        tag: The tag of its image.
        remark: Helm's remark.
    """

    revision: int
    updated: datetime
    status: str
    good: bool
    tag: str
    remark: str


def history(site: Site, release: str) -> tuple[HistoryEntry, ...]:
    """Return the revisions of a release, oldest first; errors as of `require_record`."""
    record = require_record(site, release)
    return tuple(
        HistoryEntry(one.number, one.updated, one.status, one.number in record.good, one.app_version, one.description)
        for one in record.revisions
    )


def pod_logs(site: Site, release: str, *, tail: int) -> Iterator[tuple[str, str]]:
    """Yield the name and the last log lines of each pod of a release's workloads, or of each of its containers.

    The API server gives no lines of a pod with several containers unless one of them is named.

    Raises:
        UnknownNameError: There is no such release on the cluster.
    """
    record = require_record(site, release)
    secret.learn(site.api, site.workspace.redactor)
    for workload in record.newest.manifests.of_kind(*WORKLOADS):
        labels = workload["spec"]["template"]["metadata"]["labels"]  # the selector may have expressions instead
        selector = ",".join(f"{key}={value}" for key, value in labels.items())
        for pod in site.api.list("Pod", labels=selector):
            name = pod["metadata"]["name"]
            containers = [entry["name"] for entry in pod.get("spec", {}).get("containers", ())]
            if containers[1:]:
                for container in containers:
                    yield f"{name}/{container}", site.api.logs(name, tail=tail, container=container)
            else:
                yield name, site.api.logs(name, tail=tail)


def urls(site: Site) -> tuple[tuple[str, str], ...]:
    """Return the exposed Services of all installed releases, and the URL at which this machine reaches each.

    A Service whose load balancer has no address yet, and that has no NodePort, is left out.
    """
    cluster = site.workspace.cluster
    release_unused_addresses(site.api, cluster)
    return tuple(
        (service.name, service.url(cluster))
        for record in read_records(site.api).values()
        for service in exposed_services(site.api, record.newest.manifests)
        if service.is_addressable
    )
