"""Each supported minor version of Kubernetes: what is new in it passes, and what it lost or lacks is found."""

from __future__ import annotations

from dataclasses import replace

import pytest

from dockyard.checks.catalogue import run_checks
from tests.checks.samples import WEB, changed, subject

SCHEMA = ("DY701", "DY702", "DY703")

CONTAINER = "image: web:1.0.0"
POD = "automountServiceAccountToken: false"
VOLUMES = "volumes: [{name: tmp, emptyDir: {}}"

CUSTOM = """\
apiVersion: apiextensions.k8s.io/v1
kind: CustomResourceDefinition
metadata: {name: webs.example.com}
spec:
  group: example.com
  scope: Namespaced
  names: {kind: Web, plural: webs}
  versions:
    - name: v1
      served: true
      storage: true
      schema:
        openAPIV3Schema:
          type: object
          x-kubernetes-validations: [{rule: "self.size > 0", reason: FieldValueInvalid, fieldPath: .size}]
"""

SERVICE = """\
apiVersion: v1
kind: Service
metadata: {name: web}
spec: {selector: {app: web}, ports: [{port: 80}], trafficDistribution: PreferClose}
"""

JOB = """\
apiVersion: batch/v1
kind: Job
metadata: {{name: task}}
spec:
  {}
  template: {{spec: {{restartPolicy: Never, containers: [{{name: task, image: "a:1"}}]}}}}
"""

SCALER = """\
apiVersion: autoscaling/v2
kind: HorizontalPodAutoscaler
metadata: {name: web}
spec:
  scaleTargetRef: {apiVersion: apps/v1, kind: Deployment, name: web}
  maxReplicas: 3
  behavior: {scaleUp: {tolerance: "0.05"}}
"""

STATEFUL = """\
apiVersion: apps/v1
kind: StatefulSet
metadata: {name: db}
spec:
  serviceName: db
  selector: {matchLabels: {app: db}}
  updateStrategy: {rollingUpdate: {maxUnavailable: 2}}
  template: {metadata: {labels: {app: db}}, spec: {containers: [{name: db, image: "a:1"}]}}
"""

MUTATING = """\
apiVersion: admissionregistration.k8s.io/v1
kind: MutatingAdmissionPolicy
metadata: {name: labels}
spec: {reinvocationPolicy: Never, mutations: [{patchType: JSONPatch, jsonPatch: {expression: "[]"}}]}
"""


def bare(api_version: str, kind: str, more: str = "") -> str:
    """Return an object that has nothing but its kind and a name."""
    return f"{{apiVersion: {api_version}, kind: {kind}, metadata: {{name: x}}{more}}}"


NEW = {
    28: (CUSTOM, "DY701", "there is no field 'reason'"),
    29: (
        changed(WEB, POD, f"{POD}\n      initContainers: [{{name: side, image: a:1, restartPolicy: Always}}]"),
        "DY703",
        "Kubernetes v1.28.0 drops the field 'restartPolicy' by default; v1.29 is the first that accepts it",
    ),
    30: (
        changed(WEB, CONTAINER, f"{CONTAINER}\n          lifecycle: {{preStop: {{sleep: {{seconds: 3}}}}}}"),
        "DY703",
        "drops the field 'sleep' by default",
    ),
    31: (SERVICE, "DY703", "drops the field 'trafficDistribution' by default"),
    32: (JOB.format("managedBy: example.com/queue"), "DY703", "drops the field 'managedBy' by default"),
    33: (changed(WEB, POD, f"{POD}\n      hostUsers: false"), "DY703", "drops the field 'hostUsers' by default"),
    34: (
        changed(WEB, POD, f"{POD}\n      resources: {{limits: {{cpu: 1, memory: 1Gi}}}}"),
        "DY703",
        "drops the field 'resources' by default",
    ),
    35: (
        changed(WEB, VOLUMES, f"{VOLUMES}, {{name: model, image: {{reference: model:1.0.0}}}}"),
        "DY703",
        "drops the field 'image' by default",
    ),
    36: (MUTATING, "DY702", "; v1.36 is the first that does"),
    37: (STATEFUL, "DY703", "drops the field 'maxUnavailable' by default"),
}
"""By minor version what came with it or is on by default since, and what the version before it is told."""

GONE = {
    28: (bare("storage.k8s.io/v1beta1", "CSIStorageCapacity"), "DY702", ", it serves that of storage.k8s.io/v1"),
    29: (
        bare("flowcontrol.apiserver.k8s.io/v1beta2", "FlowSchema"),
        "DY702",
        ", it serves that of flowcontrol.apiserver.k8s.io/v1 and flowcontrol.apiserver.k8s.io/v1beta3",
    ),
    30: (
        JOB.format("successPolicy: {rules: [{succeededCount: 1}]}"),
        "DY703",
        "Kubernetes v1.30.0 drops the field 'successPolicy' by default; v1.31 is the first that accepts it",
    ),
    31: (bare("networking.k8s.io/v1alpha1", "ServiceCIDR"), "DY702", "serves no ServiceCIDR"),
    32: (
        bare("flowcontrol.apiserver.k8s.io/v1beta3", "FlowSchema"),
        "DY702",
        ", it serves that of flowcontrol.apiserver.k8s.io/v1",
    ),
    33: (SCALER, "DY703", "drops the field 'tolerance' by default; v1.35 is the first that accepts it"),
    34: (
        bare("admissionregistration.k8s.io/v1beta1", "ValidatingAdmissionPolicy"),
        "DY702",
        ", it serves that of admissionregistration.k8s.io/v1",
    ),
    35: (
        bare("storage.k8s.io/v1alpha1", "VolumeAttributesClass", ", driverName: x"),
        "DY702",
        ", it serves that of storage.k8s.io/v1",
    ),
    36: (
        changed(WEB, POD, f"{POD}\n      workloadRef: {{name: batch, podGroup: workers}}"),
        "DY701",
        "there is no field 'workloadRef'",
    ),
    37: (
        bare("storage.k8s.io/v1beta1", "VolumeAttributesClass", ", driverName: x"),
        "DY702",
        ", it serves that of storage.k8s.io/v1",
    ),
}
"""By minor version what it removed, or does not have or has off, and what is said of it."""


def found(text: str, minor: int) -> list[tuple[str, str]]:
    """Return what the schema's checks find in an object for a minor version."""
    findings = run_checks(subject(text, kubernetes_version=f"v1.{minor}.0"), without={}, only=SCHEMA)
    return [(finding.check, finding.message) for finding in findings]


def test_every_supported_version_is_here() -> None:
    """From the oldest that Minikube installs to the newest."""
    assert list(NEW) == list(GONE) == list(range(28, 38))


@pytest.mark.parametrize("minor", NEW)
def test_what_is_new_passes_from_its_version_on(minor: int) -> None:
    """In its version and in the newest; the version before it is told in one finding."""
    text, id_, message = NEW[minor]
    assert found(text, minor) == found(text, 37) == []
    before = found(text, minor - 1)
    assert {check for check, _ in before} == {id_}
    assert message in before[0][1]


@pytest.mark.parametrize("minor", GONE)
def test_what_is_gone_is_found(minor: int) -> None:
    """With what the version has instead, or the one that has it on."""
    text, id_, message = GONE[minor]
    assert [check for check, _ in found(text, minor)] == [id_]
    assert message in found(text, minor)[0][1]


@pytest.mark.parametrize("minor", range(28, 32))
def test_a_beta_version_that_was_there_before_is_served(minor: int) -> None:
    """Of the beta versions of these releases, that of flow control alone is on."""
    assert found(bare("flowcontrol.apiserver.k8s.io/v1beta3", "FlowSchema"), minor) == []


@pytest.mark.parametrize(
    ("api_version", "kind", "minor", "instead"),
    [
        ("networking.k8s.io/v1beta1", "ServiceCIDR", 31, ""),
        ("networking.k8s.io/v1beta1", "ServiceCIDR", 33, ", it serves that of networking.k8s.io/v1"),
        ("resource.k8s.io/v1beta1", "ResourceClaim", 34, ", it serves that of resource.k8s.io/v1"),
        ("internal.apiserver.k8s.io/v1alpha1", "StorageVersion", 36, ""),
    ],
)
def test_alpha_and_later_beta_versions_are_off_by_default(
    api_version: str, kind: str, minor: int, instead: str
) -> None:
    """They are in the schemas, and an API server that is told nothing refuses them."""
    (told,) = (message for check, message in found(bare(api_version, kind), minor) if check == "DY703")
    assert told.startswith(f"Kubernetes v1.{minor}.0 does not serve {kind} of {api_version} by default{instead}")


def test_a_newer_version_may_have_switched_anything_on() -> None:
    """What is off in the newest version that is known may be on in the next."""
    text = changed(WEB, CONTAINER, f"{CONTAINER}\n          lifecycle: {{stopSignal: SIGUSR1}}")
    assert [check for check, _ in found(text, 37)] == ["DY703"]
    assert found(text, 38) == found(bare("storage.k8s.io/v1beta2", "VolumeAttributesClass"), 38) == []


def test_what_a_chart_chooses_by_the_cluster_may_be_off() -> None:
    """Without a cluster Helm claims alpha and beta versions too."""
    spec = '{{ if .Capabilities.APIVersions.Has "resource.k8s.io/v1beta1" }}'
    looked_at = subject(bare("resource.k8s.io/v1beta1", "DeviceClass"), kubernetes_version="v1.36.3")
    (release,) = looked_at.releases
    assert [one.check for one in run_checks(looked_at, without={}, only=["DY703"])] == ["DY703"]
    chosen = replace(looked_at, releases=(replace(release, templates={"a": spec}),))
    assert run_checks(chosen, without={}, only=["DY703"]) == ()
