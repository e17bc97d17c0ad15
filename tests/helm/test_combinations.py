"""Each chart with each `ci/*-values.yaml`: combinations of values that people use."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from dockyard.checks.catalogue import run_checks
from dockyard.checks.finding import Severity
from dockyard.checks.gather import gather
from dockyard.config import load
from dockyard.model.errors import ToolFailedError
from tests.helm.conftest import CHARTS, ROOT

if TYPE_CHECKING:
    from dockyard.checks.finding import Finding
    from tests.helm.conftest import Chart

pytestmark = pytest.mark.process

NAMES = ("default", "existing-secret", "inside", "replicas")
OLDEST, NEWEST = "1.28.0", "1.36.3"

SECRETS = {"DATABASE_URL": "postgresql://u:p@db/todo", "BETTER_AUTH_SECRET": "0123456789abcdef" * 2}

BASE = {"Deployment", "Service", "ConfigMap", "Secret"}
KINDS = {
    "default": BASE,
    "existing-secret": BASE - {"Secret"},
    "inside": BASE | {"PodDisruptionBudget"},
    "replicas": BASE | {"PodDisruptionBudget", "NetworkPolicy"},
}
"""The kinds that each combination renders to."""


def combination(chart: Chart, name: str) -> Path:
    """Return a values file of a chart."""
    return CHARTS / chart.name / "ci" / f"{name}-values.yaml"


@pytest.mark.parametrize("kubernetes", [OLDEST, NEWEST])
@pytest.mark.parametrize("name", NAMES)
def test_it_renders_the_expected_kinds(chart: Chart, name: str, kubernetes: str) -> None:
    """The kinds of the table are rendered for the oldest and for the newest Kubernetes."""
    assert set(chart.objects_of(combination(chart, name), kubernetes)) == KINDS[name]


@pytest.mark.parametrize("kubernetes", [OLDEST, NEWEST])
@pytest.mark.parametrize("name", NAMES)
def test_it_passes_the_checks_of_a_deploy(chart: Chart, name: str, kubernetes: str) -> None:
    """The only error is the existing Secret, which the checks cannot see without a cluster."""
    errors = [finding.message for finding in findings(chart, name, kubernetes) if finding.severity is Severity.ERROR]
    assert len(errors) == (1 if name == "existing-secret" else 0), errors
    assert all("takes variables from Secret 'ai-todo', which no release makes" in error for error in errors)


def findings(chart: Chart, name: str, kubernetes: str) -> list[Finding]:
    """Return the findings in a chart with one values file, for a version of Kubernetes."""
    project = load(ROOT)
    path = str(combination(chart, name).relative_to(ROOT))
    spec = project.release(chart.name).model_copy(update={"values": (path,)})
    changed = project.model_copy(update={"releases": {**project.releases, chart.name: spec}})
    subject = gather(changed, root=ROOT, helm=chart.helm, secrets=SECRETS, kubernetes_version=f"v{kubernetes}")
    return [finding for finding in run_checks(subject, without={}) if finding.release == chart.name]


def test_an_older_kubernetes_is_rejected(backend: Chart) -> None:
    """Helm refuses to install on a version that the charts are not tested with."""
    with pytest.raises(ToolFailedError) as caught:
        backend.objects_of(combination(backend, "default"), "1.27.16")
    assert "kubeVersion: >=1.28.0-0" in caught.value.stderr


def test_one_pod_has_no_budget(chart: Chart) -> None:
    """A budget for a single pod would block the draining of its node; of several pods, one at a time is evicted."""
    assert "PodDisruptionBudget" not in chart.objects(replicaCount=1)
    budget = chart.objects(replicaCount=2)["PodDisruptionBudget"]
    assert budget["apiVersion"] == "policy/v1"
    assert budget["spec"] == {"maxUnavailable": 1, "selector": {"matchLabels": {"app": f"ai-todo-{chart.name}"}}}


CALLERS: dict[str, Any] = {"backend": None, "frontend": None, "mcp": ["ai-todo-backend", "ai-todo-mcp-test"]}


def test_a_network_policy_admits_the_callers(chart: Chart) -> None:
    """Only the backend and the test reach the MCP server; a NodePort is open to everyone. Other ports are closed."""
    policy = chart.objects(networkPolicy={"enabled": True})["NetworkPolicy"]["spec"]
    assert policy["podSelector"] == {"matchLabels": {"app": f"ai-todo-{chart.name}"}}
    assert policy["policyTypes"] == ["Ingress"]
    (rule,) = policy["ingress"]
    (port,) = rule["ports"]
    assert port == {"port": chart.container()["ports"][0]["containerPort"], "protocol": "TCP"}
    callers = [entry["podSelector"]["matchExpressions"][0]["values"] for entry in rule.get("from", [])]
    assert callers == ([CALLERS[chart.name]] if CALLERS[chart.name] else [])


def test_helm_test_calls_the_service(chart: Chart) -> None:
    """The test pod runs the chart's image with the same restrictions, and the Service does not select it."""
    pod, service = chart.hook(image={"tag": "1.2.3"}), chart.objects()["Service"]
    (container,) = pod["spec"]["containers"]
    assert pod["metadata"]["annotations"]["helm.sh/hook"] == "test"
    assert pod["metadata"]["labels"]["app"] != service["spec"]["selector"]["app"]
    assert container["image"] == f"ai-todo-{chart.name}:1.2.3"
    assert container["args"] == [f"http://{service['metadata']['name']}:{service['spec']['ports'][0]['port']}/ready"]
    assert container["securityContext"] == chart.container()["securityContext"]
    assert pod["spec"]["securityContext"] == chart.template()["spec"]["securityContext"]
    assert (pod["spec"]["restartPolicy"], pod["spec"]["automountServiceAccountToken"]) == ("Never", False)
