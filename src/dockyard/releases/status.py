"""What is there, for people who ask: releases, revisions, pods' logs, URLs."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from dockyard.charts.manifests import WORKLOADS, Manifests
from dockyard.model.errors import RolloutError, UnknownNameError
from dockyard.releases.verify import node_ports
from dockyard.releases.watch import look

if TYPE_CHECKING:
    from collections.abc import Iterator

    from dockyard.tools.helm import RevisionFacts
    from dockyard.workspace import Workspace


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


def statuses(workspace: Workspace) -> tuple[ReleaseStatus, ...]:
    """Return each release of the project, in its order."""
    helm, kubectl = workspace.helm(), workspace.kubectl()
    there = {release.name: release for release in helm.releases()}
    rows = []
    for name in workspace.project.order():
        facts = there.get(name)
        if facts is None:
            rows.append(ReleaseStatus(name, "Absent", note="not installed; `./inv deploy` does it"))
            continue
        verdict = look(kubectl, Manifests.parse(helm.manifest(name)))
        note = verdict.text if facts.status == "deployed" else f"Helm says {facts.status}. {verdict.text}".strip()
        rows.append(
            ReleaseStatus(name, verdict.state, facts.revision, facts.app_version, verdict.ready, verdict.wanted, note)
        )
    return tuple(rows)


def revisions(workspace: Workspace, release: str) -> tuple[RevisionFacts, ...]:
    """Return the revisions of a release, oldest first.

    Raises:
        UnknownNameError: Neither the project nor the cluster has a release of that name.
        RolloutError: The project has it, and it is not installed.
    """
    helm = workspace.helm()
    found = helm.history(release)
    if found:
        return found
    if release in workspace.project.releases:
        raise RolloutError(f"Release {release} is not installed", fix="Run `./inv deploy`")
    there = (installed.name for installed in helm.releases())
    raise UnknownNameError("release", release, sorted({*workspace.project.releases, *there}))


def pod_logs(workspace: Workspace, release: str, *, tail: int) -> Iterator[tuple[str, str]]:
    """Yield the name and the last log lines of each pod of a release's workloads.

    Raises:
        UnknownNameError: There is no such release on the cluster.
    """
    revisions(workspace, release)
    kubectl = workspace.kubectl()
    for workload in Manifests.parse(workspace.helm().manifest(release)).of_kind(*WORKLOADS):
        labels = workload["spec"]["selector"]["matchLabels"]
        selector = ",".join(f"{key}={value}" for key, value in labels.items())
        for pod in kubectl.get("pods", selector=selector):
            name = pod["metadata"]["name"]
            yield name, kubectl.logs(name, tail=tail)


def urls(workspace: Workspace) -> tuple[tuple[str, str], ...]:
    """Return the Services with a NodePort of all installed releases, and where this machine reaches them."""
    helm = workspace.helm()
    found = (
        (service, f"http://{workspace.cluster.address(port)}")
        for release in helm.releases()
        for service, port in node_ports(Manifests.parse(helm.manifest(release.name)))
    )
    return tuple(found)
