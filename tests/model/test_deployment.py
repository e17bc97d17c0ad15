"""Deployments."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from dockyard.model.deployment import Amounts, DeploymentSpec, EnvVar, Probe, Resources
from dockyard.model.quantity import CpuQuantity, MemoryQuantity

if TYPE_CHECKING:
    from collections.abc import Callable

    Refusals = Callable[[type[DeploymentSpec], object], dict[str, str]]

EXAMPLE: dict[str, Any] = {
    "name": "ai-todo-backend-deployment",
    "replicas": 2,
    "image": "ai-todo-backend:latest",
    "ports": [{"containerPort": 8000, "name": "http"}],
    "env": [
        {"name": "LOG_LEVEL", "valueFrom": {"configMapKeyRef": {"name": "ai-todo-backend-config", "key": "LOG_LEVEL"}}},
        {"name": "DATABASE_URL", "valueFrom": {"secretKeyRef": {"name": "ai-todo-backend-secrets", "key": "URL"}}},
    ],
    "envFrom": [{"configMapRef": {"name": "ai-todo-backend-config"}}, {"prefix": "S_", "secretRef": {"name": "x"}}],
    "resources": {"limits": {"cpu": "500m", "memory": "512Mi"}, "requests": {"cpu": "250m", "memory": "256Mi"}},
    "livenessProbe": {"httpGet": {"path": "/health", "port": 8000}, "initialDelaySeconds": 30, "periodSeconds": 10},
    "readinessProbe": {"httpGet": {"path": "/ready", "port": "http"}, "initialDelaySeconds": 10, "periodSeconds": 5},
    "strategy": {"type": "RollingUpdate", "rollingUpdate": {"maxSurge": 1, "maxUnavailable": 0}},
    "labels": {"app": "ai-todo-backend"},
}
"""The parts of data-model.md, section 3, put together."""


def changed(path: str, value: object) -> dict[str, Any]:
    """Return the example with another value at a dotted path."""
    *parents, last = path.split(".")
    document = dict(EXAMPLE)
    place = document
    for parent in parents:
        place[parent] = dict(place[parent])
        place = place[parent]
    place[last] = value
    return document


def test_the_example_of_the_specification_is_a_deployment() -> None:
    """It is read with all its attributes, and what is dumped reads as the same."""
    spec = DeploymentSpec.model_validate(EXAMPLE)
    assert spec.replicas == 2
    assert spec.resources.limits.memory == MemoryQuantity.parse("512Mi")
    assert spec.resources.requests.cpu == 250
    assert spec.liveness_probe is not None
    assert (spec.liveness_probe.initial_delay_seconds, spec.liveness_probe.period_seconds) == (30, 10)
    assert spec.readiness_probe is not None
    assert spec.readiness_probe.port == "http"
    assert spec.env[1].value_from is not None
    assert spec.env[1].value_from.secret_key_ref is not None
    assert spec.env[1].value_from.secret_key_ref.key == "URL"
    assert DeploymentSpec.model_validate(spec.model_dump(exclude_none=True)) == spec


def test_the_least_deployment_has_the_specified_strategy() -> None:
    """Name and image are enough; one replica, updated with one extra pod and none missing."""
    spec = DeploymentSpec(name="a", image="b:1.0.0")
    assert (spec.replicas, spec.strategy.type) == (1, "RollingUpdate")
    assert (spec.strategy.rolling_update.max_surge, spec.strategy.rolling_update.max_unavailable) == (1, 0)


@pytest.mark.parametrize(
    ("path", "value", "sentence"),
    [
        ("replicas", 0, "0 is not a number of replicas. It must be 1 to 3 (data-model.md, section 3)."),
        ("replicas", 4, "4 is not a number of replicas."),
        ("replicas", "2", "Input should be a valid integer"),
        ("replicas", True, "Input should be a valid integer"),
        ("name", "A", "'A' is not a DNS subdomain."),
        ("image", "Bad Image", "is not an image reference."),
        ("resources.limits.cpu", "many", "'many' is not an amount of CPU."),
        ("resources.limits.memory", "400m", "'400m' is not an amount of memory."),
        ("strategy.type", "Recreate", "Input should be 'RollingUpdate'"),
        ("strategy.rollingUpdate.maxSurge", 2, "2 is not the number of extra pods of an update. It must be 1 (data"),
        ("strategy.rollingUpdate.maxSurge", "25%", "Input should be a valid integer"),
        ("strategy.rollingUpdate.maxUnavailable", 1, "1 is not the number of pods an update may miss. It must be 0"),
        ("livenessProbe.httpGet.path", "health", "is not the path of an HTTP request."),
        ("livenessProbe.httpGet.port", 0, "0 is not a port."),
        ("livenessProbe.httpGet.port", "HTTP", "'HTTP' is not a port name."),
        ("livenessProbe.initialDelaySeconds", -1, "-1 is not a delay in seconds."),
        ("livenessProbe.periodSeconds", 0, "0 is not a number of probes or seconds."),
        ("labels", {"a b": "c"}, "is not a label's key."),
        ("restartPolicy", "Never", "Extra inputs are not permitted"),
    ],
)
def test_a_broken_rule_is_told_at_its_key(refusals: Refusals, path: str, value: object, sentence: str) -> None:
    """Each rule of section 3 has its sentence, at the key of the specification."""
    found = refusals(DeploymentSpec, changed(path, value))
    assert len(found) == 1
    place, said = found.popitem()
    assert place.startswith(path)
    assert sentence in said


@pytest.mark.parametrize(("name", "request_", "limit"), [("cpu", "0.6", "500m"), ("memory", "1Gi", "512Mi")])
def test_a_request_above_its_limit_is_refused(refusals: Refusals, name: str, request_: str, limit: str) -> None:
    """Both amounts are named as numbers compare, not as text does."""
    found = refusals(DeploymentSpec, changed("resources", {"limits": {name: limit}, "requests": {name: request_}}))
    assert list(found) == ["resources"]
    assert f"The request for {name} is" in found["resources"]
    assert f"its limit {limit}." in found["resources"]


@given(request=st.integers(0, 4000), limit=st.integers(0, 4000))
def test_requests_are_compared_with_limits_as_numbers(request: int, limit: int) -> None:
    """Whatever the amounts, the rule is: the request is not more than the limit."""
    document = {"limits": {"cpu": f"{limit}m"}, "requests": {"cpu": str(CpuQuantity(request))}}
    if request <= limit:
        assert Resources.model_validate(document).requests.cpu == request
    else:
        with pytest.raises(ValidationError, match="not more than its limit"):
            Resources.model_validate(document)


def test_a_limit_is_guaranteed_where_nothing_is_requested() -> None:
    """The scheduler counts the request, else the limit, else nothing."""
    resources = Resources.model_validate(
        {"limits": {"cpu": "1", "memory": "1Gi"}, "requests": {"cpu": "0", "ephemeral-storage": "1Gi"}}
    )
    assert resources.guaranteed == Amounts.model_validate({"cpu": "0", "memory": "1Gi", "ephemeral-storage": "1Gi"})
    assert Resources().guaranteed == Amounts()


@pytest.mark.parametrize("ways", [{}, {"tcpSocket": {"port": 1}, "exec": {"command": ["a"]}}])
def test_a_probe_asks_in_exactly_one_way(ways: dict[str, Any]) -> None:
    """No way and two ways are refused."""
    with pytest.raises(ValidationError, match=f"has {len(ways)} ways to ask.*exactly one of httpGet"):
        Probe.model_validate(ways)


@pytest.mark.parametrize(
    ("way", "port"),
    [
        ({"httpGet": {"port": 80}}, 80),
        ({"tcpSocket": {"port": "db"}}, "db"),
        ({"grpc": {"port": 9000}}, 9000),
        ({"exec": {"command": ["true"]}}, None),
    ],
)
def test_a_probe_tells_its_port(way: dict[str, Any], port: int | str | None) -> None:
    """Whatever the way to ask, the port is at one place; a command has none."""
    assert Probe.model_validate(way).port == port


def test_a_probe_has_kubernetes_defaults() -> None:
    """What is not written is what the API server fills in."""
    assert Probe.model_validate({"grpc": {"port": 1}}).model_dump(exclude={"grpc"}, exclude_none=True) == {
        "initialDelaySeconds": 0,
        "periodSeconds": 10,
        "timeoutSeconds": 1,
        "successThreshold": 1,
        "failureThreshold": 3,
    }


@pytest.mark.parametrize("seconds", [0, 2_147_483_647])
def test_a_delay_is_a_32_bit_number(refusals: Refusals, seconds: int) -> None:
    """Both ends are allowed; Kubernetes keeps no larger number."""
    spec = DeploymentSpec.model_validate(changed("livenessProbe.initialDelaySeconds", seconds))
    assert spec.liveness_probe is not None
    assert spec.liveness_probe.initial_delay_seconds == seconds
    assert refusals(DeploymentSpec, changed("livenessProbe.initialDelaySeconds", 2_147_483_648))


def test_what_a_variable_names_must_be_there_unless_told() -> None:
    """A key and a whole object are both required by default, as in Kubernetes."""
    spec = DeploymentSpec.model_validate(EXAMPLE)
    assert spec.env[0].value_from is not None
    assert spec.env[0].value_from.config_map_key_ref is not None
    assert spec.env[0].value_from.config_map_key_ref.optional is False
    assert spec.env_from[0].config_map_ref is not None
    assert spec.env_from[0].config_map_ref.optional is False


@pytest.mark.parametrize("name", ["livenessProbe", "startupProbe"])
def test_one_success_is_enough_for_liveness_and_startup(refusals: Refusals, name: str) -> None:
    """Kubernetes refuses another threshold there; for readiness it does not."""
    probe = {"httpGet": {"port": 80}, "successThreshold": 2}
    assert "successThreshold 2. It must be 1" in refusals(DeploymentSpec, EXAMPLE | {name: probe})[""]
    assert DeploymentSpec.model_validate(EXAMPLE | {"readinessProbe": probe}).readiness_probe is not None


@pytest.mark.parametrize(
    "ports",
    [[80, 80], [{"containerPort": 80, "name": "a"}, {"containerPort": 81, "name": "a"}]],
)
def test_a_container_has_each_port_once(refusals: Refusals, ports: list[object]) -> None:
    """A number or a name twice is refused; the same number for two protocols is not."""
    assert "has a port twice" in refusals(DeploymentSpec, EXAMPLE | {"ports": ports})[""]
    both = [53, {"containerPort": 53, "protocol": "UDP"}]
    assert len(DeploymentSpec.model_validate(EXAMPLE | {"ports": both}).ports) == 2


def test_a_plain_value_is_not_shown() -> None:
    """A value may be a secret by mistake, so no repr has it."""
    assert "hunter2" not in repr(EnvVar(name="PASSWORD", value="hunter2"))


@pytest.mark.parametrize(
    ("variable", "sentence"),
    [
        (
            {"name": "A", "value": "x", "valueFrom": {"fieldRef": {"fieldPath": "spec.nodeName"}}},
            "a value and a source",
        ),
        ({"name": "A", "valueFrom": {}}, "valueFrom names 0 sources"),
        ({"name": "A", "valueFrom": {"fieldRef": {}, "resourceFieldRef": {}}}, "valueFrom names 2 sources"),
        ({"name": "A", "valueFrom": {"fileKeyRef": {}, "fieldRef": {}}}, "valueFrom names 2 sources"),
        ({"name": "A=B"}, "is not the name of a container's environment variable"),
        ({"name": "A", "valueFrom": {"secretKeyRef": {"name": "a", "key": ".."}}}, "is not a key of a ConfigMap"),
    ],
)
def test_a_variable_has_one_source(variable: dict[str, Any], sentence: str) -> None:
    """A value or exactly one reference, under a name that Kubernetes accepts."""
    with pytest.raises(ValidationError, match=sentence):
        EnvVar.model_validate(variable)


@pytest.mark.parametrize("source", [{}, {"configMapRef": {"name": "a"}, "secretRef": {"name": "b"}}])
def test_variables_come_from_one_object(refusals: Refusals, source: dict[str, Any]) -> None:
    """One entry of envFrom names a ConfigMap or a Secret."""
    found = refusals(DeploymentSpec, EXAMPLE | {"envFrom": [source]})
    assert f"envFrom names {len(source)} sources" in found["envFrom.0"]


def test_the_prefix_of_variables_is_the_start_of_a_name(refusals: Refusals) -> None:
    """What is put before a key must give a name that Kubernetes accepts."""
    found = refusals(DeploymentSpec, EXAMPLE | {"envFrom": [{"prefix": "A=", "secretRef": {"name": "b"}}]})
    assert list(found) == ["envFrom.0.prefix"]
