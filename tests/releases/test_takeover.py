"""Fields that a release overwrites although another field manager set them."""

from __future__ import annotations

import base64

import pytest

from dockyard.charts.manifests import Manifests
from dockyard.model.errors import ApiRefusedError
from dockyard.model.events import FieldTakenOver
from dockyard.releases.causes import Object
from dockyard.releases.takeover import taken_over
from dockyard.tools.kubernetes import FieldConflict
from tests.releases.conftest import Work
from tests.releases.objects import deployment, manifests, service

EDITED = FieldConflict(".spec.template.spec.terminationGracePeriodSeconds", "kubectl-edit")
SCALED = FieldConflict(".spec.replicas", "kube-controller-manager", "scale")
AUTOSCALER: Object = {
    "kind": "HorizontalPodAutoscaler",
    "metadata": {"name": "by-load"},
    "spec": {"scaleTargetRef": {"kind": "Deployment", "name": "web"}},
}


class Source:
    """An API server with conflicts.

    Attributes:
        applied: The objects that a dry run was made for.
        listed: The kinds that were listed.
    """

    def __init__(self, conflicts: dict[str, tuple[FieldConflict, ...] | ApiRefusedError], *live: Object) -> None:
        self._conflicts, self._live = conflicts, live
        self.applied: list[Object] = []
        self.listed: list[str] = []

    def conflicts(self, body: Object, manager: str) -> tuple[FieldConflict, ...]:
        """Return the conflicts of an object, by its kind."""
        assert manager == "helm"
        self.applied.append(body)
        found = self._conflicts.get(body["kind"], ())
        if isinstance(found, ApiRefusedError):
            raise found
        return found

    def list(self, kind: str) -> tuple[Object, ...]:
        """Return the live objects."""
        self.listed.append(kind)
        return tuple(entry for entry in self._live if entry["kind"] == kind)


def found(source: Source, sent: Manifests) -> list[str]:
    """Return what is taken over, as sentences."""
    return list(map(str, taken_over(source, sent)))


def test_a_field_of_another_manager_is_taken_over() -> None:
    """Object, path and manager; an object without such fields is not named."""
    source = Source({"Deployment": (EDITED,)})
    (one,) = taken_over(source, manifests(deployment(), service()))
    assert (str(one.object), one.conflict, one.autoscaler) == ("deployment/web", EDITED, "")
    assert str(one) == (
        "overwriting deployment/web .spec.template.spec.terminationGracePeriodSeconds, which kubectl-edit set"
    )
    assert [entry["kind"] for entry in sorted(source.applied, key=lambda entry: str(entry["kind"]))] == [
        "Deployment",
        "Service",
    ]
    assert source.listed == []


def test_replicas_of_an_autoscaler_are_named_after_it() -> None:
    """Its name says more than that of the controller; other fields of the workload are not its."""
    source = Source({"Deployment": (SCALED, EDITED)}, AUTOSCALER)
    scaled, edited = taken_over(source, manifests(deployment()))
    assert (scaled.autoscaler, edited.autoscaler) == ("by-load", "")
    assert str(scaled) == (
        "overwriting deployment/web .spec.replicas, which HorizontalPodAutoscaler by-load set; "
        "render no `replicas` where an autoscaler controls them"
    )


def test_replicas_without_an_autoscaler_are_those_of_whoever_set_them() -> None:
    """`kubectl scale` sets them through a subresource."""
    source = Source({"Deployment": (FieldConflict(".spec.replicas", "kubectl", "scale"),)})
    assert found(source, manifests(deployment())) == [
        "overwriting deployment/web .spec.replicas, which kubectl (scale) set"
    ]


def test_other_refusals_are_left_to_helm() -> None:
    """It sends the same objects, and its refusal is explained."""
    source = Source({"Deployment": ApiRefusedError(422, "Invalid", "no"), "Service": (EDITED,)})
    assert len(found(source, manifests(deployment(), service()))) == 1


def test_text_of_a_secret_is_compared_as_it_is_stored() -> None:
    """Others change `data`, which `stringData` becomes part of."""
    source = Source({})
    sent = {"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "web"}, "stringData": {"KEY": "value"}}
    assert found(source, manifests(sent)) == []
    (applied,) = source.applied
    assert (applied["data"], "stringData" in applied) == ({"KEY": base64.b64encode(b"value").decode()}, False)


@pytest.mark.parametrize("way", ["upgrade", "rollback"])
def test_a_deploy_reports_what_it_takes_over_before_it_sends(work: Work, way: str) -> None:
    """As facts; an upgrade and a rollback alike."""
    first = work.deployed("v1")
    work.deployed("v2")
    work.api.managed["Deployment", "web"] = [(".spec.replicas", '"kubectl" with subresource "scale" using apps/v1')]
    told: list[int] = []
    work.helm.on_call = lambda _: told.append(sum(isinstance(event, FieldTakenOver) for event in work.report.events))
    if way == "upgrade":
        work.bring("v3")
    else:
        work.rollout().go_back(first)
    (event,) = (event for event in work.report.events if isinstance(event, FieldTakenOver))
    assert told == [1]
    assert (event.subject, event.service, event.stage) == ("web", "web", "Warning")
    assert (event.object_kind, event.object_name, event.field) == ("Deployment", "web", ".spec.replicas")
    assert (event.manager, event.subresource, event.autoscaler) == ("kubectl", "scale", "")
