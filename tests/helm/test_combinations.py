"""Each chart with each `ci/*-values.yaml`: combinations of values that people use, alone and as a release of ours."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from dockyard.checks.catalogue import run_checks
from dockyard.checks.finding import Severity
from dockyard.checks.gather import gather
from dockyard.config import load
from tests.helm.conftest import CHARTS, ROOT

if TYPE_CHECKING:
    from dockyard.checks.finding import Finding
    from tests.helm.conftest import Chart

pytestmark = pytest.mark.process

NAMES = ("default", "existing-secret", "inside", "replicas")
OLDEST, NEWEST = "1.20.2", "1.34.0"

SECRETS = {"DATABASE_URL": "postgresql://u:p@db/todo", "BETTER_AUTH_SECRET": "0123456789abcdef" * 2}

BASE = {"Deployment", "Service", "ConfigMap", "Secret"}
KINDS = {
    "default": BASE,
    "existing-secret": BASE - {"Secret"},
    "inside": BASE | {"PodDisruptionBudget"},
    "replicas": BASE | {"PodDisruptionBudget", "NetworkPolicy"},
}
"""What each combination makes."""


def combination(chart: Chart, name: str) -> Path:
    """Return a values file of a chart."""
    return CHARTS / chart.name / "ci" / f"{name}-values.yaml"


@pytest.mark.parametrize("kubernetes", [OLDEST, NEWEST])
@pytest.mark.parametrize("name", NAMES)
def test_it_makes_what_it_should(chart: Chart, name: str, kubernetes: str) -> None:
    """The objects are those of the table, for an old and for a new Kubernetes."""
    assert set(chart.objects_of(combination(chart, name), kubernetes)) == KINDS[name]


@pytest.mark.parametrize("kubernetes", [OLDEST, NEWEST])
@pytest.mark.parametrize("name", NAMES)
def test_it_passes_the_checks_of_a_deploy(chart: Chart, name: str, kubernetes: str) -> None:
    """Valid for that Kubernetes, and nothing that keeps it from starting but the Secret that is somebody else's."""
    errors = [finding.message for finding in findings(chart, name, kubernetes) if finding.severity is Severity.ERROR]
    assert len(errors) == (1 if name == "existing-secret" else 0), errors
    assert all("takes variables from Secret 'ai-todo', which no release makes" in error for error in errors)


def findings(chart: Chart, name: str, kubernetes: str) -> list[Finding]:
    """Return what is found in a chart with a combination, for a version of Kubernetes."""
    project = load(ROOT)
    path = str(combination(chart, name).relative_to(ROOT))
    spec = project.release(chart.name).model_copy(update={"values": (path,)})
    changed = project.model_copy(update={"releases": {**project.releases, chart.name: spec}})
    subject = gather(changed, root=ROOT, helm=chart.helm, secrets=SECRETS, kubernetes_version=f"v{kubernetes}")
    return [finding for finding in run_checks(subject, without={}) if finding.release == chart.name]


def test_one_pod_has_no_budget(chart: Chart) -> None:
    """A budget of one pod would keep its node from ever being drained; two are taken one at a time."""
    assert "PodDisruptionBudget" not in chart.objects(replicaCount=1)
    budget = chart.objects(replicaCount=2)["PodDisruptionBudget"]["spec"]
    assert budget == {"maxUnavailable": 1, "selector": {"matchLabels": {"app": f"ai-todo-{chart.name}"}}}


@pytest.mark.parametrize(("kubernetes", "version"), [("1.20.15", "policy/v1beta1"), ("1.21.0", "policy/v1")])
def test_the_budget_is_of_the_version_that_the_cluster_has(backend: Chart, kubernetes: str, version: str) -> None:
    """policy/v1 came with Kubernetes 1.21, and policy/v1beta1 went with 1.25."""
    objects = backend.objects_of(combination(backend, "replicas"), kubernetes)
    assert objects["PodDisruptionBudget"]["apiVersion"] == version


CALLERS: dict[str, Any] = {"backend": None, "frontend": None, "mcp": ["ai-todo-backend", "ai-todo-mcp-test"]}


def test_a_network_policy_lets_the_callers_in(chart: Chart) -> None:
    """The tools are the backend's alone, and the test's; what has a NodePort is everybody's, on its port alone."""
    policy = chart.objects(networkPolicy={"enabled": True})["NetworkPolicy"]["spec"]
    assert policy["podSelector"] == {"matchLabels": {"app": f"ai-todo-{chart.name}"}}
    assert policy["policyTypes"] == ["Ingress"]
    (rule,) = policy["ingress"]
    (port,) = rule["ports"]
    assert port == {"port": chart.container()["ports"][0]["containerPort"], "protocol": "TCP"}
    callers = [entry["podSelector"]["matchExpressions"][0]["values"] for entry in rule.get("from", [])]
    assert callers == ([CALLERS[chart.name]] if CALLERS[chart.name] else [])


def test_helm_test_asks_through_the_service(chart: Chart) -> None:
    """A pod of the chart's image that may do no more than the app's, and that the Service does not select."""
    pod, service = chart.hook(image={"tag": "1.2.3"}), chart.objects()["Service"]
    (container,) = pod["spec"]["containers"]
    assert pod["metadata"]["annotations"]["helm.sh/hook"] == "test"
    assert pod["metadata"]["labels"]["app"] != service["spec"]["selector"]["app"]
    assert container["image"] == f"ai-todo-{chart.name}:1.2.3"
    assert container["args"] == [f"http://{service['metadata']['name']}:{service['spec']['ports'][0]['port']}/ready"]
    assert container["securityContext"] == chart.container()["securityContext"]
    assert pod["spec"]["securityContext"] == chart.template()["spec"]["securityContext"]
    assert (pod["spec"]["restartPolicy"], pod["spec"]["automountServiceAccountToken"]) == ("Never", False)
