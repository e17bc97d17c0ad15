"""Services."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from dockyard.model.errors import RuleError
from dockyard.model.service import ServiceSpec

if TYPE_CHECKING:
    from collections.abc import Callable

BACKEND: dict[str, Any] = {
    "name": "ai-todo-backend-service",
    "type": "NodePort",
    "ports": [{"port": 8000, "targetPort": 8000, "nodePort": 30081}],
    "selector": {"app": "ai-todo-backend"},
}
MCP: dict[str, Any] = {
    "name": "ai-todo-mcp-service",
    "type": "ClusterIP",
    "ports": [{"port": 8001, "targetPort": 8001}],
    "selector": {"app": "ai-todo-mcp"},
}
"""Both examples of data-model.md, section 4."""


@pytest.mark.parametrize("example", [BACKEND, MCP], ids=["backend", "mcp"])
def test_the_examples_of_the_specification_are_services(example: dict[str, Any]) -> None:
    """They are read, and what is dumped reads as the same."""
    service = ServiceSpec.model_validate(example)
    assert (service.name, service.type) == (example["name"], example["type"])
    assert ServiceSpec.model_validate(service.model_dump()) == service


@pytest.mark.parametrize(
    ("change", "place", "sentence"),
    [
        ({"type": "LoadBalancer"}, "type", "Input should be 'NodePort' or 'ClusterIP'"),
        ({"type": "ClusterIP"}, "", "has nodePort 30081 and type ClusterIP. Only a Service of type NodePort has one"),
        ({"name": "1a"}, "name", "is not a Service name"),
        ({"selector": {}}, "selector", "There is no label. One at least is needed (data-model.md, section 4)"),
        ({"selector": {"app": "a b"}}, "selector.app", "is not a label's value"),
        ({"ports": []}, "ports", "There is no port."),
        ({"ports": [{"port": 0}]}, "ports.0.port", "0 is not a port"),
        ({"ports": [{"port": 80, "nodePort": 29999}]}, "ports.0.nodePort", "It must be 30000 to 32767"),
        ({"ports": [{"port": 80, "nodePort": 32768}]}, "ports.0.nodePort", "32768 is not a NodePort"),
        ({"ports": [{"port": 80, "targetPort": "80"}]}, "ports.0.targetPort", "'80' is not a port name"),
        ({"ports": [{"port": 80}, {"port": 81, "name": "b"}]}, "", "not all have a name"),
        ({"ports": [{"port": 80, "name": "a"}, {"port": 80, "name": "b"}]}, "", "has a port twice"),
        ({"ports": [{"port": 80, "name": "a"}, {"port": 81, "name": "a"}]}, "", "has a port twice"),
        (
            {"ports": [{"port": 80, "name": "a", "nodePort": 30000}, {"port": 81, "name": "b", "nodePort": 30000}]},
            "",
            "has a port twice",
        ),
        ({"externalIPs": []}, "externalIPs", "Extra inputs are not permitted"),
    ],
)
def test_a_broken_rule_is_told_at_its_key(
    refusals: Callable[[type[ServiceSpec], object], dict[str, str]],
    change: dict[str, Any],
    place: str,
    sentence: str,
) -> None:
    """Each rule of section 4 has its sentence, at the key of the specification."""
    found = refusals(ServiceSpec, BACKEND | change)
    assert list(found) == [place]
    assert sentence in found[place]


@pytest.mark.parametrize("node_port", [30000, 32767, None])
def test_a_node_port_lies_in_kubernetes_range(node_port: int | None) -> None:
    """Both ends are allowed, and none lets Kubernetes choose."""
    service = ServiceSpec.model_validate(BACKEND | {"ports": [{"port": 80, "nodePort": node_port}]})
    assert service.ports[0].node_port == node_port


@pytest.mark.parametrize(
    ("given", "target"), [({}, 80), ({"targetPort": 8080}, 8080), ({"targetPort": "http"}, "http")]
)
def test_the_target_is_the_same_port_unless_told(given: dict[str, Any], target: int | str) -> None:
    """A missing targetPort is the port itself."""
    assert ServiceSpec.model_validate(MCP | {"ports": [{"port": 80, **given}]}).ports[0].target == target


def test_a_service_has_the_dns_names_of_the_specification() -> None:
    """The short form first, the full one last."""
    service = ServiceSpec.model_validate(MCP)
    assert service.dns_names("prod") == (
        "ai-todo-mcp-service",
        "ai-todo-mcp-service.prod",
        "ai-todo-mcp-service.prod.svc",
        "ai-todo-mcp-service.prod.svc.cluster.local",
    )
    assert service.fqdn("default") == "ai-todo-mcp-service.default.svc.cluster.local"
    with pytest.raises(RuleError, match="is not a DNS label"):
        service.fqdn("My Space")


@pytest.mark.parametrize(
    ("labels", "selected"),
    [
        ({"app": "ai-todo-mcp"}, True),
        ({"app": "ai-todo-mcp", "tier": "x"}, True),
        ({"app": "other"}, False),
        ({}, False),
    ],
)
def test_a_service_selects_pods_that_have_all_its_labels(labels: dict[str, str], *, selected: bool) -> None:
    """More labels do no harm, a missing or different one does."""
    assert ServiceSpec.model_validate(MCP).selects(labels) is selected
