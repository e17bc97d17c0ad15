"""The releases: what Helm and Kubernetes say of the app."""

from __future__ import annotations

from typing import Any

import pytest

from dockyard.releases.liveness import Question
from dockyard.releases.records import read_records
from dockyard.releases.site import connect
from dockyard.releases.status import statuses
from dockyard.tools.helm import Helm
from dockyard.workspace import Workspace
from scripts.app_doc import sizes
from tests.smoke.kubectl import Kubectl

pytestmark = pytest.mark.cluster

SERVICES = ("mcp", "backend", "frontend")


def pods_of(kubectl: Kubectl, service: str) -> list[dict[str, Any]]:
    """Return the pods of a service that are not on their way out."""
    found = kubectl.get("pods", selector=f"app=ai-todo-{service}")
    return [dict(pod) for pod in found if "deletionTimestamp" not in pod["metadata"]]


def test_helm_lists_every_release_as_deployed(helm: Helm, workspace: Workspace) -> None:
    """Each release of dockyard.yaml is there, and its last revision went well."""
    there = {release.name: release.status for release in helm.releases()}
    assert {name: there.get(name) for name in workspace.project.order()} == dict.fromkeys(SERVICES, "deployed")


def test_status_says_ready(workspace: Workspace) -> None:
    """Dockyard's own judgement of each release is Ready, with every pod there."""
    for row in statuses(connect(workspace)):
        assert (row.state, row.ready) == ("Ready", row.wanted), row
        assert row.wanted >= 1


def test_helms_records_are_read_as_helm_tells_them(helm: Helm, workspace: Workspace) -> None:
    """Dockyard reads the Secrets itself: number, status, tag and manifest are what Helm's own commands say."""
    records = read_records(connect(workspace).api)
    for facts in helm.releases():
        newest = records[facts.name].newest
        assert (newest.number, newest.status, newest.app_version) == (facts.revision, facts.status, facts.app_version)
        assert newest.text.strip() == helm.manifest(facts.name).strip()
        assert [one.number for one in records[facts.name].revisions] == [
            one.revision for one in helm.history(facts.name)
        ]


@pytest.mark.parametrize("service", SERVICES)
def test_pods_answer_probes_through_the_api_server(workspace: Workspace, kubectl: Kubectl, service: str) -> None:
    """As the kubelet's are: success, the pod's own refusal, and silence where nothing listens."""
    api = connect(workspace).api
    for pod in pods_of(kubectl, service):
        (container,) = pod["spec"]["containers"]
        live = Question.of(container, "livenessProbe")
        assert live is not None
        name = pod["metadata"]["name"]
        asked = ((live.port, live.path), (live.port, "/no-such-path"), (1, live.path))
        assert [api.status_of(name, port, path) for port, path in asked] == [200, 404, None]


@pytest.mark.parametrize("service", SERVICES)
def test_pods_run_without_rights(kubectl: Kubectl, service: str) -> None:
    """Each pod is Ready and runs as an ordinary user, on a read-only file system, without a token."""
    for pod in pods_of(kubectl, service):
        (container,) = pod["spec"]["containers"]
        context = container["securityContext"]
        assert all(status["ready"] for status in pod["status"]["containerStatuses"])
        assert context["readOnlyRootFilesystem"] is True
        assert context["capabilities"] == {"drop": ["ALL"]}
        assert not any("serviceaccount" in mount["mountPath"] for mount in container.get("volumeMounts", ()))


@pytest.mark.parametrize("service", SERVICES)
def test_the_node_runs_the_image_that_was_built(kubectl: Kubectl, workspace: Workspace, service: str) -> None:
    """A pod's image id equals the id of the image of that tag in the Docker engine."""
    for pod in pods_of(kubectl, service):
        (status,) = pod["status"]["containerStatuses"]
        built = workspace.docker.image(pod["spec"]["containers"][0]["image"])
        assert built is not None
        assert status["imageID"].endswith(built.id)


@pytest.mark.parametrize("service", SERVICES)
def test_endpoints_are_populated(kubectl: Kubectl, service: str) -> None:
    """Each Service leads to as many addresses as there are pods."""
    slices = kubectl.get("endpointslices", selector=f"kubernetes.io/service-name=ai-todo-{service}-service")
    addresses = [address for one in slices for endpoint in one["endpoints"] for address in endpoint["addresses"]]
    assert len(addresses) == len(pods_of(kubectl, service))


def test_logs_are_readable(kubectl: Kubectl) -> None:
    """The last log lines of every service come through kubectl (SC-012)."""
    for service in SERVICES:
        for pod in pods_of(kubectl, service):
            assert kubectl.logs(pod["metadata"]["name"], tail=5).strip()


def test_the_images_are_small() -> None:
    """Each image that runs is under 250 MB (SC-006), and the three together are under our own bar of 400 MB."""
    found = sizes()
    assert set(found) == set(SERVICES)
    assert max(found.values()) < 250e6, found
    assert sum(found.values()) < 400e6, found
