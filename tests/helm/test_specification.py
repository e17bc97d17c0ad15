"""The rendered objects against the specification's tables (data-model.md, sections 2 to 5; requirements.md)."""

from __future__ import annotations

import base64
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from tests.helm.conftest import Chart

pytestmark = pytest.mark.process

PORTS = {"backend": 8000, "mcp": 8001, "frontend": 3000}

SERVICES: dict[str, dict[str, Any]] = {
    "backend": {
        "type": "NodePort",
        "selector": {"app": "ai-todo-backend"},
        "ports": [{"name": "http", "port": 8000, "targetPort": 8000, "nodePort": 30081, "protocol": "TCP"}],
    },
    "mcp": {
        "type": "ClusterIP",
        "selector": {"app": "ai-todo-mcp"},
        "ports": [{"name": "http", "port": 8001, "targetPort": 8001, "protocol": "TCP"}],
    },
    "frontend": {
        "type": "NodePort",
        "selector": {"app": "ai-todo-frontend"},
        "ports": [{"name": "http", "port": 3000, "targetPort": 3000, "nodePort": 30080, "protocol": "TCP"}],
    },
}

LARGE = {"requests": {"cpu": "250m", "memory": "256Mi"}, "limits": {"cpu": "500m", "memory": "512Mi"}}
SMALL = {"requests": {"cpu": "125m", "memory": "128Mi"}, "limits": {"cpu": "250m", "memory": "256Mi"}}
RESOURCES = {"backend": LARGE, "mcp": SMALL, "frontend": LARGE}

CONFIG = {
    "backend": {
        "MCP_SERVER_URL": "http://ai-todo-mcp-service:8001",
        "BETTER_AUTH_ISSUER": "http://ai-todo-frontend-service:3000",
        "BETTER_AUTH_JWKS_URL": "http://ai-todo-frontend-service:3000/api/auth/jwks",
        "LOG_LEVEL": "info",
    },
    "mcp": {"LOG_LEVEL": "info"},
    "frontend": {"PUBLIC_API_URL": "", "BETTER_AUTH_URL": "http://127.0.0.1:30080"},
}

SECRETS = {
    "backend": {
        "DATABASE_URL": b"postgresql://u:p@db/todo",
        "OPENAI_API_KEY": b"sk-1",
        "BETTER_AUTH_SECRET": b"shared",
    },
    "mcp": {"DATABASE_URL": b"postgresql://u:p@db/todo"},
    "frontend": {"BETTER_AUTH_SECRET": b"shared", "DATABASE_URL": b"postgresql://u:p@db/todo"},
}


def test_each_object_has_the_name_of_the_specification(chart: Chart) -> None:
    """There are four objects, named after the service and the kind, and none names a namespace."""
    named = {kind: entry["metadata"]["name"] for kind, entry in chart.objects().items()}
    assert named == {
        "Deployment": f"ai-todo-{chart.name}-deployment",
        "Service": f"ai-todo-{chart.name}-service",
        "ConfigMap": f"ai-todo-{chart.name}-config",
        "Secret": f"ai-todo-{chart.name}-secrets",
    }
    assert not any("namespace" in entry["metadata"] for entry in chart.objects().values())


def test_the_service_is_the_one_of_the_specification(chart: Chart) -> None:
    """Type, selector and ports are those of the table."""
    assert chart.objects()["Service"]["spec"] == SERVICES[chart.name]


def test_the_service_selects_the_pods_of_the_deployment(chart: Chart) -> None:
    """Label app selects in Service and Deployment, and pods have it."""
    spec = chart.objects()["Deployment"]["spec"]
    assert spec["selector"] == {"matchLabels": {"app": f"ai-todo-{chart.name}"}}
    assert spec["template"]["metadata"]["labels"]["app"] == f"ai-todo-{chart.name}"


def test_every_object_has_the_recommended_labels(chart: Chart) -> None:
    """The app.kubernetes.io labels stand beside app on every object."""
    values = {"image": {"tag": "0.0.0-abcdef123456"}, "replicaCount": 2, "networkPolicy": {"enabled": True}}
    assert len(chart.objects(**values)) == 6
    for entry in chart.objects(**values).values():
        assert entry["metadata"]["labels"] == {
            "app": f"ai-todo-{chart.name}",
            "app.kubernetes.io/name": f"ai-todo-{chart.name}",
            "app.kubernetes.io/instance": chart.name,
            "app.kubernetes.io/version": "0.0.0-abcdef123456",
            "app.kubernetes.io/component": chart.name,
            "app.kubernetes.io/part-of": "ai-todo",
            "app.kubernetes.io/managed-by": "Helm",
            "helm.sh/chart": f"ai-todo-{chart.name}-1.0.0",
        }


def test_one_pod_is_replaced_without_a_gap(chart: Chart) -> None:
    """One replica, and an update adds a pod before it takes one away."""
    spec = chart.objects()["Deployment"]["spec"]
    assert spec["replicas"] == 1
    assert spec["strategy"] == {"type": "RollingUpdate", "rollingUpdate": {"maxSurge": 1, "maxUnavailable": 0}}


def test_the_container_runs_the_image_on_its_port(chart: Chart) -> None:
    """Image, pull policy, port and resources are those of the table."""
    container = chart.container()
    assert container["image"] == f"ai-todo-{chart.name}:latest"
    assert container["imagePullPolicy"] == "IfNotPresent"
    assert container["ports"] == [{"name": "http", "containerPort": PORTS[chart.name], "protocol": "TCP"}]
    assert container["resources"] == RESOURCES[chart.name]


def test_the_program_gets_another_port(chart: Chart) -> None:
    """The program, its probes and the Service use the port from the values."""
    container = chart.container(containerPort=9000)
    assert {"name": "PORT", "value": "9000"} in container["env"]
    assert container["ports"][0]["containerPort"] == container["readinessProbe"]["httpGet"]["port"] == 9000


def test_liveness_is_probed_as_specified(chart: Chart) -> None:
    """The liveness probe requests /health after 30 s, every 10 s."""
    probe = chart.container()["livenessProbe"]
    assert probe["httpGet"] == {"path": "/health", "port": PORTS[chart.name]}
    assert (probe["initialDelaySeconds"], probe["periodSeconds"]) == (30, 10)


def test_readiness_is_probed_as_decided(chart: Chart) -> None:
    """The readiness probe requests /ready every 5 s, without delay after startup (requirements.md, decision 4)."""
    container = chart.container()
    ready, startup = container["readinessProbe"], container["startupProbe"]
    assert ready["httpGet"] == {"path": "/ready", "port": PORTS[chart.name]}
    assert (ready["initialDelaySeconds"], ready["periodSeconds"]) == (0, 5)
    assert startup["httpGet"] == {"path": "/health", "port": PORTS[chart.name]}
    assert (startup["periodSeconds"], startup["failureThreshold"]) == (1, 60)
    assert "initialDelaySeconds" not in startup


def test_values_can_restore_the_delay_of_the_specification(chart: Chart) -> None:
    """Values can set the 10 s of the specification and disable the startup probe."""
    container = chart.container(startupProbe={"enabled": False}, readinessProbe={"initialDelaySeconds": 10})
    assert "startupProbe" not in container
    assert container["readinessProbe"]["initialDelaySeconds"] == 10


def test_config_is_the_one_of_the_specification(chart: Chart) -> None:
    """The ConfigMap has the keys of the table and no others."""
    assert chart.objects()["ConfigMap"]["data"] == CONFIG[chart.name]


def test_the_secret_holds_the_given_values(chart: Chart) -> None:
    """The Secret is Opaque and has the keys of the table and no others."""
    secret = chart.objects()["Secret"]
    assert secret["type"] == "Opaque"
    assert {name: base64.b64decode(data) for name, data in secret["data"].items()} == SECRETS[chart.name]


def test_the_environment_comes_from_configmap_and_secret(chart: Chart) -> None:
    """The pod spec itself contains only tag, port and namespace, and no secret."""
    container = chart.container(image={"tag": "1.2.3"})
    namespace = {"fieldRef": {"fieldPath": "metadata.namespace"}}
    assert container["env"] == [
        {"name": "APP_VERSION", "value": "1.2.3"},
        {"name": "PORT", "value": str(PORTS[chart.name])},
        {"name": "POD_NAMESPACE", "valueFrom": namespace},
    ]
    assert container["envFrom"] == [
        {"configMapRef": {"name": f"ai-todo-{chart.name}-config"}},
        {"secretRef": {"name": f"ai-todo-{chart.name}-secrets"}},
    ]
    assert "postgresql://" not in str(chart.objects()["Deployment"])


def test_an_existing_secret_is_used_instead(chart: Chart) -> None:
    """With existingSecret the chart creates no Secret and requires no values."""
    values = {"existingSecret": "mine", "secrets": {}}
    assert set(chart.objects(**values)) == {"Deployment", "Service", "ConfigMap"}
    assert chart.container(**values)["envFrom"][1] == {"secretRef": {"name": "mine"}}
    assert "checksum/secret" not in chart.template(**values)["metadata"]["annotations"]


def test_the_checksum_of_an_existing_secret_replaces_the_pods(chart: Chart) -> None:
    """The chart cannot see its content, so the values give the checksum; only a SHA-256 is accepted."""
    annotations = chart.template(existingSecret="mine", secretChecksum="0" * 64)["metadata"]["annotations"]
    assert annotations["checksum/secret"] == "0" * 64
    assert "secretChecksum" in chart.refusal(existingSecret="mine", secretChecksum="a password")


def test_the_container_has_no_privilege_that_it_does_not_need(chart: Chart) -> None:
    """It is not root, can write only to /tmp, and has no capability, no token and no variables of other Services."""
    spec = chart.template()["spec"]
    assert spec["securityContext"] == {
        "runAsNonRoot": True,
        "runAsUser": 10001,
        "runAsGroup": 10001,
        "seccompProfile": {"type": "RuntimeDefault"},
    }
    assert chart.container()["securityContext"] == {
        "allowPrivilegeEscalation": False,
        "readOnlyRootFilesystem": True,
        "capabilities": {"drop": ["ALL"]},
    }
    assert spec["automountServiceAccountToken"] is False
    assert spec["enableServiceLinks"] is False
    assert chart.container()["volumeMounts"] == [{"name": "tmp", "mountPath": "/tmp"}]  # noqa: S108 - in the pod
    assert spec["volumes"] == [{"name": "tmp", "emptyDir": {"sizeLimit": "64Mi"}}]


def test_a_pod_has_time_to_drain_without_a_hook(chart: Chart) -> None:
    """There is no lifecycle hook, as the images have no shell; the grace period allows for the longest request."""
    assert chart.template()["spec"]["terminationGracePeriodSeconds"] == {"backend": 45}.get(chart.name, 30)
    assert "lifecycle" not in chart.container()
