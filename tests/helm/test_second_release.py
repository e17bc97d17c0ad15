"""Releases of one chart with other names: they share nothing with the release that has the specification's names."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.helm.conftest import Chart

pytestmark = pytest.mark.process

EVERYTHING: dict[str, Any] = {"replicaCount": 2, "networkPolicy": {"enabled": True}}
"""Values with which the chart renders every kind of object."""

NAMES = {
    "Deployment": "ai-todo-{}-deployment",
    "Service": "ai-todo-{}-service",
    "ConfigMap": "ai-todo-{}-config",
    "Secret": "ai-todo-{}-secrets",
    "PodDisruptionBudget": "ai-todo-{}-budget",
    "NetworkPolicy": "ai-todo-{}-policy",
    "Pod": "ai-todo-{}-test",
}

LABEL = re.compile(r"[a-z]([a-z0-9-]{0,61}[a-z0-9])?")
"""RFC 1035: the names that Kubernetes accepts for a Service."""

PORTS = {"backend": 30081, "frontend": 30080}

LONG = ("x" * 53, "x" * 52 + "y", "x" * 48, "a.b", "a-b", "a.b-0", "preview-of-the-branch.with-a-long-name-and-a-dot")
"""Release names of up to 53 characters, which is Helm's limit, and with dots, which Helm accepts."""


def named(chart: Chart) -> dict[str, str]:
    """Return the names of all objects by kind, that of the test pod included."""
    objects = {**chart.objects(**EVERYTHING), "Pod": chart.hook(**EVERYTHING)}
    return {kind: one["metadata"]["name"] for kind, one in objects.items()}


def app_labels(content: object) -> Iterator[str]:
    """Yield the value of each label `app` in an object, in selectors and pod templates too."""
    if isinstance(content, dict):
        if isinstance(app := content.get("app"), str):
            yield app
        for value in content.values():
            yield from app_labels(value)


def test_the_projects_release_has_the_names_of_the_specification(chart: Chart) -> None:
    """Release `backend` of chart backend renders the exact names, `app` labels and ports, and no SERVICE_NAME."""
    assert named(chart) == {kind: name.format(chart.name) for kind, name in NAMES.items()}
    objects = chart.objects(**EVERYTHING)
    assert {app for one in objects.values() for app in app_labels(one)} == {f"ai-todo-{chart.name}"}
    (port,) = objects["Service"]["spec"]["ports"]
    assert port.get("nodePort") == PORTS.get(chart.name)
    assert "SERVICE_NAME" not in chart.render()


def test_another_release_has_names_of_its_own(chart: Chart) -> None:
    """No object of a second release has the name of an object of the first."""
    second = named(chart.released_as("preview"))
    assert second == {kind: name.format("preview") for kind, name in NAMES.items()}
    assert not set(second.values()) & set(named(chart).values())


def test_another_release_selects_only_its_own_pods(chart: Chart) -> None:
    """Selectors and pod labels agree on an `app` label of its own; name and component stay those of the chart."""
    objects = chart.released_as("preview").objects(**EVERYTHING)
    assert {app for one in objects.values() for app in app_labels(one)} == {"ai-todo-preview"}
    labels = objects["Deployment"]["spec"]["template"]["metadata"]["labels"]
    assert labels["app.kubernetes.io/name"] == f"ai-todo-{chart.name}"
    assert labels["app.kubernetes.io/component"] == chart.name
    assert labels["app.kubernetes.io/instance"] == "preview"


def test_another_release_refers_only_to_its_own_objects(chart: Chart) -> None:
    """ConfigMap, Secret and the Service that `helm test` calls are those of the same release."""
    second = chart.released_as("preview")
    assert second.container()["envFrom"] == [
        {"configMapRef": {"name": "ai-todo-preview-config"}},
        {"secretRef": {"name": "ai-todo-preview-secrets"}},
    ]
    (test,) = second.hook()["spec"]["containers"]
    assert test["args"][0].startswith("http://ai-todo-preview-service:")


def test_another_release_tells_the_program_its_service_name(chart: Chart) -> None:
    """The MCP server accepts requests only under the name of its Service, which is not the default one here."""
    env = chart.released_as("preview").container()["env"]
    assert {"name": "SERVICE_NAME", "value": "ai-todo-preview-service"} in env


@pytest.mark.parametrize("name", PORTS)
def test_the_default_node_port_is_left_to_the_projects_release(chart: Chart, name: str) -> None:
    """A second release gets a port from the cluster, whichever of the two reserved ports its values have."""
    second = chart.released_as("preview")
    (port,) = second.objects(service={"type": "NodePort", "nodePort": PORTS[name]})["Service"]["spec"]["ports"]
    assert "nodePort" not in port


def test_another_node_port_is_used_in_any_release(chart: Chart) -> None:
    """A port that is not reserved is taken from the values."""
    for release in (chart, chart.released_as("preview")):
        (port,) = release.objects(service={"type": "NodePort", "nodePort": 30099})["Service"]["spec"]["ports"]
        assert port["nodePort"] == 30099


def test_long_and_dotted_release_names_give_valid_and_distinct_names(backend: Chart) -> None:
    """Kubernetes accepts every name, and no two releases share one."""
    named_after = {release: named(backend.released_as(release)) for release in LONG}
    names = [name for of_release in named_after.values() for name in of_release.values()]
    assert [name for name in names if not LABEL.fullmatch(name)] == []
    assert len(set(names)) == len(names)
    assert named_after["a-b"]["Service"] == "ai-todo-a-b-service"
