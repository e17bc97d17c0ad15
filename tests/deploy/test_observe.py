"""Gathering all that a plan is made from."""

from __future__ import annotations

import pytest

from dockyard.deploy.observe import image_names
from dockyard.deploy.plan import Facts
from dockyard.model.cluster import EMBEDDED_KUBERNETES
from dockyard.model.errors import ApiSilentError, BuildError
from dockyard.model.lifecycle import DeploymentState
from dockyard.releases.records import LEDGER, mark_good
from dockyard.releases.site import connect
from tests.deploy.conftest import NAMES, Deploying, looked


def look(deploying: Deploying, *names: str) -> Facts:
    """Return what is seen where the cluster runs."""
    workspace = deploying.workspace
    return looked(workspace, names or NAMES, connect(workspace))


def test_all_is_seen_of_a_deploy(deployed: Deploying) -> None:
    """Images here and in the node, charts, records and how far pods are."""
    facts = look(deployed)
    assert tuple(release.name for release in facts.releases) == tuple(facts.charts) == NAMES
    assert [image.host is not None and image.node == image.host.id for image in facts.images] == [True, True, True]
    for release in facts.releases:
        assert release.live is not None
        assert release.record is not None
        assert (release.live.state, release.drift, release.known) == (DeploymentState.READY, (), True)
        assert release.record.newest.manifests.changed(release.wanted) == ()
        assert release.tag == release.record.newest.app_version


def test_nothing_is_changed_by_looking(deployed: Deploying) -> None:
    """Neither in the engine nor in the cluster."""
    look(deployed)
    workspace = deployed.workspace
    assert (deployed.built, workspace.cluster.calls, deployed.changes, workspace.fake_api.changes) == ([], [], [], [])


def test_without_a_cluster_nothing_is_asked_of_it(deployed: Deploying) -> None:
    """What it would say stays unknown, which is not the same as absent."""
    deployed.workspace.fake_api.silent = True
    facts = looked(deployed.workspace, NAMES, None)
    assert {(release.known, release.record, release.live) for release in facts.releases} == {(False, None, None)}
    assert {(image.node_known, image.node) for image in facts.images} == {(False, "")}
    assert {image.host is not None for image in facts.images} == {True}


def test_a_silent_api_server_is_told(deployed: Deploying) -> None:
    """A plan of guesses would be worse than none."""
    site = connect(deployed.workspace)
    deployed.workspace.fake_api.silent = True
    with pytest.raises(ApiSilentError):
        looked(deployed.workspace, NAMES, site)


def test_charts_are_rendered_for_the_version_of_the_cluster(
    deployed: Deploying, monkeypatch: pytest.MonkeyPatch
) -> None:
    """If none runs, for the version that will be started; if nobody knows it, Helm uses its own."""
    told: list[object] = []
    helm = deployed.workspace.fake_helm
    template = helm.template

    def noted(*arguments: object, kubernetes_version: str, **options: object) -> str:
        told.append(kubernetes_version)
        return template(*arguments, **options)  # type: ignore[arg-type]

    monkeypatch.setattr(helm, "template", noted)
    look(deployed, "api")
    for version in ("v1.34.4", ""):
        deployed.workspace.cluster.version = version
        assert looked(deployed.workspace, ("api",), None).kubernetes_version == version
    assert told == [EMBEDDED_KUBERNETES, "v1.34.4", ""]


def test_drift_is_seen_and_named(deployed: Deploying) -> None:
    """Against what was sent, not against what is wanted now."""
    objects = deployed.workspace.fake_api.objects
    objects["Deployment", "web"]["spec"]["replicas"] = 7
    deployed.workspace.fake_api.drop("Deployment", "mail")
    drifts = {release.name: release.drift for release in look(deployed).releases}
    assert drifts == {"api": (), "web": ("deployment/web spec.replicas",), "mail": ("deployment/mail is gone",)}


def test_what_the_api_server_made_by_itself_is_no_drift(deployed: Deploying) -> None:
    """Paths that were accepted when the revision became Ready."""
    objects = deployed.workspace.fake_api.objects
    objects["Deployment", "web"]["spec"]["replicas"] = 7
    accepted = ["deployment/web spec.replicas"]
    mark_good(deployed.workspace.fake_api, deployed.records["web"].newest, accepted=accepted)
    assert look(deployed, "web").releases[0].drift == ()


def test_a_ledger_that_nobody_can_read_is_no_reason_to_fail(deployed: Deploying) -> None:
    """Somebody's edit of it costs what it knew, and no more."""
    deployed.workspace.fake_api.objects["ConfigMap", LEDGER]["data"]["web"] = "{ not json"
    (release,) = look(deployed, "web").releases
    assert release.record is not None
    assert (release.record.good, release.drift) == (frozenset(), ())


def test_a_chart_that_does_not_render_is_told(deploying: Deploying) -> None:
    """With its release."""
    del deploying.workspace.fake_helm.charts["mail"]
    with pytest.raises(BuildError, match="The chart of release mail does not render"):
        look(deploying)


def test_a_source_that_cannot_be_read_is_told(deploying: Deploying) -> None:
    """A missing Dockerfile, say."""
    (deploying.workspace.root / "api.Dockerfile").unlink()
    with pytest.raises(BuildError, match=r"api\.Dockerfile"):
        look(deploying)


def test_images_are_named_once_in_the_order_of_the_releases(deploying: Deploying) -> None:
    """Of the named releases alone."""
    assert image_names(deploying.workspace, ("web", "api", "web")) == ("web-image", "api-image")


def test_only_the_named_releases_are_looked_at(deployed: Deploying) -> None:
    """The broken chart of another one is not this command's business."""
    del deployed.workspace.fake_helm.charts["mail"]
    facts = look(deployed, "api")
    assert ([release.name for release in facts.releases], [image.name for image in facts.images]) == (
        ["api"],
        ["api-image"],
    )
