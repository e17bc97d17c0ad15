"""Drift: where live objects are not what Helm sent."""

from __future__ import annotations

import base64
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dockyard.releases.causes import Object
from dockyard.releases.drift import drift, kinds_of
from dockyard.tools.kubernetes import RESOURCES
from tests.releases.objects import deployment, manifests, service


def thing(kind: str = "Deployment", name: str = "web", **members: Any) -> Object:  # noqa: ANN401 - any form
    """Return an object."""
    return {"kind": kind, "metadata": {"name": name}, **members}


def found(sent: Object, *live: Object) -> list[str]:
    """Return how an object drifted."""
    return list(drift(manifests(sent), live, [sent["kind"]], namespace="default"))


def spec(sent: object, live: object) -> list[str]:
    """Return how a spec drifted."""
    return found(thing(spec=sent), thing(spec=live))


SAME: dict[str, tuple[object, object]] = {
    "the same": ({"replicas": 2}, {"replicas": 2}),
    "more than was sent": ({"replicas": 2}, {"replicas": 2, "revisionHistoryLimit": 10}),
    "cores": ({"cpu": "0.5"}, {"cpu": "500m"}),
    "cores as a number": ({"cpu": 0.5}, {"cpu": "500m"}),
    "memory": ({"memory": "1024Mi"}, {"memory": "1Gi"}),
    "a number as text": ({"value": 8000}, {"value": "8000"}),
    "an empty list left out": ({"args": []}, {}),
    "an empty mapping left out": ({"securityContext": {}}, {}),
    "null": ({"args": None}, {}),
    "null where there is a default": ({"replicas": None}, {"replicas": 1}),
    "false left out": ({"hostNetwork": False}, {}),
    "zero left out": ({"minReadySeconds": 0}, {}),
    "empty text left out": ({"value": ""}, {}),
    "entries by name, in another order": (
        {"env": [{"name": "A", "value": "1"}, {"name": "B", "value": "2"}]},
        {"env": [{"name": "B", "value": "2"}, {"name": "A", "value": "1"}]},
    ),
    "an entry that somebody injected": (
        {"containers": [{"name": "app"}]},
        {"containers": [{"name": "proxy"}, {"name": "app"}]},
    ),
    "a default within an entry": ({"ports": [{"port": 80}]}, {"ports": [{"port": 80, "protocol": "TCP"}]}),
    "plain lists": ({"args": ["-a", "-b"]}, {"args": ["-a", "-b"]}),
}


@pytest.mark.parametrize(("sent", "live"), SAME.values(), ids=SAME)
def test_what_means_the_same_is_no_drift(sent: object, live: object) -> None:
    """The API server writes values in its own way, and fills in what was not said."""
    assert spec(sent, live) == []


OTHER: dict[str, tuple[object, object, list[str]]] = {
    "another number": ({"replicas": 2}, {"replicas": 3}, ["spec.replicas"]),
    "scaled to none": ({"replicas": 2}, {"replicas": 0}, ["spec.replicas"]),
    "gone": ({"replicas": 2}, {}, ["spec.replicas"]),
    "another amount": ({"cpu": "0.5"}, {"cpu": "501m"}, ["spec.cpu"]),
    "a truth": ({"readOnly": True}, {"readOnly": False}, ["spec.readOnly"]),
    "a truth left out": ({"readOnly": True}, {}, ["spec.readOnly"]),
    "an image": (
        {"containers": [{"name": "app", "image": "web:1"}]},
        {"containers": [{"name": "app", "image": "web:2"}]},
        ["spec.containers[app].image"],
    ),
    "an entry that is gone": (
        {"env": [{"name": "A", "value": "1"}, {"name": "B", "value": "2"}]},
        {"env": [{"name": "A", "value": "1"}]},
        ["spec.env[B].name", "spec.env[B].value"],
    ),
    "an argument more": ({"args": ["-a"]}, {"args": ["-a", "-b"]}, ["spec.args"]),
    "another argument": ({"args": ["-a", "-b"]}, {"args": ["-b", "-a"]}, ["spec.args[0]", "spec.args[1]"]),
    "another form": ({"a": {"b": 1}}, {"a": "b"}, ["spec.a.b"]),
    "a list that became text": ({"a": ["x"]}, {"a": "x"}, ["spec.a"]),
}


@pytest.mark.parametrize(("sent", "live", "paths"), OTHER.values(), ids=OTHER)
def test_what_differs_is_named_by_its_path(sent: object, live: object, paths: list[str]) -> None:
    """As a person would look it up."""
    assert spec(sent, live) == [f"deployment/web {path}" for path in paths]


def test_an_object_that_is_gone_is_told() -> None:
    """A Service that somebody deleted; one of that name and another kind is none."""
    assert found(service("web"), deployment("web")) == ["service/web is gone"]


def test_labels_are_compared() -> None:
    """A Service finds its pods by them."""
    sent = {"kind": "Service", "metadata": {"name": "web", "labels": {"app": "web"}}}
    live = {"kind": "Service", "metadata": {"name": "web", "labels": {"app": "other", "by": "helm"}, "uid": "1"}}
    assert found(sent, live) == ["service/web metadata.labels.app"]


def test_text_of_a_secret_is_compared_as_it_is_kept() -> None:
    """The API server keeps `stringData` in base64; what stands in both is the text's."""
    sent = thing("Secret", stringData={"KEY": "new", "PORT": 5432}, data={"KEY": "b2xk"})
    kept = {key: base64.b64encode(text.encode()).decode() for key, text in (("KEY", "new"), ("PORT", "5432"))}
    assert found(sent, thing("Secret", data=kept)) == []
    assert found(sent, thing("Secret", data={**kept, "KEY": "b2xk"})) == ["secret/web data.KEY"]


def test_no_value_of_a_secret_is_told() -> None:
    """The path is enough."""
    sent, live = thing("Secret", data={"KEY": "c2VjcmV0"}), thing("Secret", data={"KEY": "b3RoZXI="})
    assert found(sent, live) == ["secret/web data.KEY"]


AUTOSCALER = thing("HorizontalPodAutoscaler", "by-load", spec={"scaleTargetRef": {"kind": "Deployment", "name": "web"}})


@pytest.mark.parametrize("rendered", [True, False], ids=["of the release", "made by somebody else"])
def test_an_autoscaler_owns_the_number_of_replicas(*, rendered: bool) -> None:
    """Its whole work is to drift, whoever made it."""
    sent = manifests(
        thing(spec={"replicas": 2}), thing(name="api", spec={"replicas": 2}), *([AUTOSCALER] if rendered else [])
    )
    live = [thing(spec={"replicas": 9}), thing(name="api", spec={"replicas": 9}), *([] if rendered else [AUTOSCALER])]
    assert list(drift(sent, live, ["Deployment"], namespace="default")) == ["deployment/api spec.replicas"]


def test_autoscalers_are_looked_up_for_what_they_scale() -> None:
    """They need not be part of the release."""
    assert kinds_of(manifests(deployment()), RESOURCES) == ("Deployment", "HorizontalPodAutoscaler")
    assert kinds_of(manifests(service()), RESOURCES) == ("Service",)


def test_a_status_is_no_drift() -> None:
    """It is the controllers' to write."""
    assert found(thing(status={"replicas": 1}, spec={}), thing(status={}, spec={})) == []


def test_another_version_of_the_api_is_not_compared() -> None:
    """Its fields have other names; whether the object is there can be said all the same."""
    sent = thing("HorizontalPodAutoscaler", apiVersion="autoscaling/v1", spec={"targetCPUUtilizationPercentage": 80})
    assert found(sent, thing("HorizontalPodAutoscaler", spec={"metrics": []})) == []
    assert found(sent) == ["horizontalpodautoscaler/web is gone"]


def test_a_custom_resource_of_the_same_kind_is_not_looked_for() -> None:
    """Knative has a Service, too."""
    assert found(thing("Service", apiVersion="serving.knative.dev/v1", spec={"template": {}})) == []


def test_a_namespace_that_is_written_out_is_asked_for_too() -> None:
    """Charts write `namespace: {{ .Release.Namespace }}`; what is gone is gone all the same."""
    here = {"kind": "Deployment", "metadata": {"name": "web", "namespace": "default"}}
    assert found(here) == ["deployment/web is gone"]
    assert found(here, here) == []


def test_other_namespaces_and_unknown_kinds_are_not_asked_for() -> None:
    """They are not among what was listed, so nothing can be said of them."""
    away = {"kind": "Deployment", "metadata": {"name": "far", "namespace": "other"}}
    sent = manifests(away, thing("Widget"))
    assert list(drift(sent, [], kinds_of(sent, RESOURCES), namespace="default")) == []


def test_kinds_are_those_that_are_known() -> None:
    """Each once, in order."""
    sent = manifests(service(), deployment("a"), deployment("b"), thing("Widget"))
    assert kinds_of(sent, RESOURCES) == ("Deployment", "HorizontalPodAutoscaler", "Service")


values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=10,
)


@given(values)
def test_nothing_drifts_from_itself(value: object) -> None:
    """Whatever the form."""
    assert spec(value, value) == []


@given(values, values)
def test_no_form_is_too_odd_to_compare(sent: object, live: object) -> None:
    """Live objects may be anything; the answer is a list of paths."""
    assert all(path.startswith("deployment/web spec") for path in spec(sent, live))
