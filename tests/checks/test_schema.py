"""Checks DY7xx: rendered objects against the schemas of the cluster's version of Kubernetes."""

from __future__ import annotations

from typing import Any

import pytest

from dockyard.charts.manifests import Manifests, ObjectName
from dockyard.checks import kubernetes
from dockyard.checks.subject import ReleaseSubject
from dockyard.model.errors import MachineError
from tests.checks.samples import SETTINGS, WEB, changed, find, project, said, subject

EVERY_VERSION = [f"v1.{minor}.0" for minor in range(28, 38)]
APP = "Deployment/web: spec.template.spec.containers[0]"


@pytest.mark.parametrize("version", EVERY_VERSION)
@pytest.mark.parametrize("id_", ["DY701", "DY702", "DY703"])
def test_a_sound_release_passes(id_: str, version: str) -> None:
    """In every supported version."""
    assert said(id_, subject(kubernetes_version=version)) == []


@pytest.mark.parametrize(
    ("old", "new", "told"),
    [
        (
            "image: web:1.0.0",
            "imagee: web:1.0.0",
            f"{APP}: there is no field 'imagee'; was 'image' meant?",
        ),
        ("image: web:1.0.0", "zzz: 1", f"{APP}: there is no field 'zzz'"),
        ("replicas: 1", 'replicas: "1"', "Deployment/web: spec.replicas: it is text, and must be a whole number"),
        (
            "replicas: 1",
            "replicas: true",
            "Deployment/web: spec.replicas: it is true or false, and must be a whole number",
        ),
        ("value: 1.0.0", "value: 1.5", f"{APP}.env[0].value: it is a number, and must be text"),
        ("value: 1.0.0", "value: 8000", f"{APP}.env[0].value: it is a whole number, and must be text"),
        ("- name: app", "- nam: app", f"{APP}: there is no field 'nam'; was 'name' meant?"),
        (
            "containers:",
            "containers: []\n      others:",
            "Deployment/web: spec.template.spec: there is no field 'others'",
        ),
        (
            "memory: 512Mi",
            "memory: [512Mi]",
            f"{APP}.resources.limits.memory: it is a list, and must be text or a number",
        ),
        (
            "port: http}, initial",
            "port: 1.5}, initial",
            f"{APP}.livenessProbe.httpGet.port: it is a number, and must be text or a whole number",
        ),
        (
            "selector:\n    matchLabels: {app: web}",
            "selector: web",
            "Deployment/web: spec.selector: it is text, and must be a mapping",
        ),
        ("  name: web\n", "  name: web\n  creationTimestamp: now\n", "it is text, and must be a date and time"),
    ],
)
def test_what_breaks_the_schema_is_found(old: str, new: str, told: str) -> None:
    """Each sentence says what is wrong and what must be there, and the nearest field where one is meant."""
    found = said("DY701", subject(changed(WEB, old, new)))
    assert any(told in one for one in found), found


def test_a_field_that_is_missing_is_found() -> None:
    """A key without a value is as if it were not there, as it is to Kubernetes."""
    expected = ["Deployment/web: spec: the field 'template' is missing"]
    text = "{apiVersion: apps/v1, kind: Deployment, metadata: {name: web}, spec: {selector: {}, template: null}}"
    assert said("DY701", subject(text)) == expected
    assert said("DY701", subject(changed(WEB, "securityContext: {runAsNonRoot: true}", "securityContext:"))) == []


def test_a_secret_that_is_not_base64_is_found_and_not_shown() -> None:
    """The value is in no sentence."""
    found = said("DY701", subject(changed(SETTINGS, "cG9zdGdyZXNxbDovL2E6YkBkYi90b2Rv", "hunter2")))
    assert found == ["Secret/web-secrets: data.DATABASE_URL: it is text, and must be base64"]


def test_a_newer_version_may_have_more_fields() -> None:
    """Nobody here knows the fields of a version that is newer than all schemas; a wrong type stays wrong."""
    text = changed(WEB, "replicas: 1", "replicas: x\n  shards: 2")
    (found,) = said("DY701", subject(text, kubernetes_version="v1.99.0"))
    assert found == "Deployment/web: spec.replicas: it is text, and must be a whole number"
    assert len(find("DY701", subject(text, kubernetes_version="v1.37.0"))) == 2


def test_kinds_that_are_not_built_in_are_skipped() -> None:
    """A custom resource has a schema of its own, which nobody here knows."""
    text = "{apiVersion: example.com/v1, kind: Web, metadata: {name: x}, spec: {a: 1}}"
    assert said("DY701", subject(text)) == said("DY702", subject(text)) == []


@pytest.mark.parametrize("content", [{"spec": {"replicas": "\ud800"}}, {"spec": {1: {2: 3}}}, {"spec": float("nan")}])
def test_what_cannot_be_written_as_json_is_found(content: dict[str, Any]) -> None:
    """YAML can hold what JSON cannot; nothing is raised."""
    there = Manifests({ObjectName("Deployment", "web"): {"apiVersion": "apps/v1", "kind": "Deployment", **content}})
    odd = ReleaseSubject(name="odd", spec=project().releases["web"], chart={}, manifests=there)
    assert find("DY701", subject("", odd))


POLICY = "{{apiVersion: {}, kind: {}, metadata: {{name: x}}}}"


@pytest.mark.parametrize(
    ("version", "api", "kind", "told"),
    [
        ("v1.36.3", "policy/v1", "PodDisruptionBudget", None),
        ("v1.36.3", "policy/v1beta1", "PodDisruptionBudget", ", it serves that of policy/v1"),
        ("v1.28.0", "policy/v1beta1", "PodSecurityPolicy", ""),
        ("v1.36.3", "batch/v1", "CronJob", None),
        ("v1.36.3", "batch/v1beta1", "CronJob", ", it serves that of batch/v1"),
        ("v1.34.0", "autoscaling/v2", "HorizontalPodAutoscaler", None),
        (
            "v1.34.0",
            "autoscaling/v2beta2",
            "HorizontalPodAutoscaler",
            ", it serves that of autoscaling/v1 and autoscaling/v2",
        ),
        ("v1.28.0", "extensions/v1beta1", "Deployment", ", it serves that of apps/v1"),
        ("v1.36.3", "extensions/v1beta1", "Ingress", ", it serves that of networking.k8s.io/v1"),
        ("v1.36.3", "apps/v1", "Deploymint", "; was Deployment meant?"),
        ("v1.36.3", "v1", "Servce", "; was Service meant?"),
        ("v1.36.3", "v1", "Zzzzzz", ""),
        ("v1.29.0", "storagemigration.k8s.io/v1", "StorageVersionMigration", "; v1.37 is the first that does"),
        ("v1.33.0", "storage.k8s.io/v1", "VolumeAttributesClass", "; v1.34 is the first that does"),
        ("v1.99.0", "apps/v9", "Deployment", None),
        ("v1.20.0", "apps/v9", "Deployment", None),
        ("v1.30.0", "gateway.networking.k8s.io/v1", "Gateway", None),
        ("", "policy/v1beta1", "PodDisruptionBudget", ", it serves that of policy/v1"),
    ],
)
def test_kinds_that_the_cluster_does_not_serve_are_found(version: str, api: str, kind: str, told: str | None) -> None:
    """Those that come later and those that are gone, with what is served instead; the unknown is left alone."""
    found = find("DY702", subject(POLICY.format(api, kind), kubernetes_version=version))
    served_by = version or "v1.37"
    expected = [] if told is None else [f"Kubernetes {served_by} serves no {kind} of {api}{told}"]
    assert [finding.message for finding in found] == expected


@pytest.mark.parametrize(
    ("template", "found"),
    [
        ('{{ if .Capabilities.APIVersions.Has "policy/v1" }}', 0),
        ('{{- if $.Capabilities.APIVersions.Has "policy/v1/PodDisruptionBudget" -}}', 0),
        ('{{ if .Capabilities.APIVersions.Has "extensions/v1beta1/PodDisruptionBudget" }}', 0),
        ("{{ if .Capabilities.APIVersions.Has `policy/v1` }}", 0),
        ('{{ if has "policy/v1" .Capabilities.APIVersions }}', 0),
        ("{{ if .Capabilities.APIVersions.Has $wanted }}", 0),
        ('{{ if .Capabilities.APIVersions.Has "monitoring.coreos.com/v1" }}', 1),
        ('{{ if .Capabilities.APIVersions.Has "v1" }}', 1),
        ("{{- /* asks .Capabilities.APIVersions\nno longer */ -}}", 1),
        ("{{ .Capabilities.KubeVersion.Version }}", 1),
    ],
)
def test_what_a_chart_chooses_by_the_cluster_is_left_alone(template: str, found: int) -> None:
    """Without a cluster Helm claims all versions that it knows, and the chart chooses among these."""
    spec = project().releases["web"]
    there = Manifests.parse(POLICY.format("policy/v1beta1", "PodDisruptionBudget"))
    asking = ReleaseSubject(name="ask", spec=spec, chart={}, manifests=there, templates={"a": "kind: X", "b": template})
    assert len(find("DY702", subject("", asking, kubernetes_version="v1.36.3"))) == found


def test_an_object_without_api_version_is_found() -> None:
    """Helm renders it, and the API server refuses it."""
    assert said("DY702", subject("{kind: Service, metadata: {name: x}}")) == [
        "Service/x: apiVersion: the object has no apiVersion"
    ]


@pytest.mark.parametrize("text", ["v1.30.2", "1.30", "v1.30.4+k3s1", "v1.30.0-rc.1"])
def test_a_version_is_read_as_clusters_write_it(text: str) -> None:
    """The minor version counts; the package has all since v1.25."""
    version = kubernetes.version(text)
    assert (version.minor, version.schemas.minor, version.is_newer) == (30, 30, False)


@pytest.mark.parametrize(
    ("text", "minor", "schemas"), [("v1.20.2", 20, 25), ("v1.99.0", 99, 37), ("", 37, 37), ("v2", 37, 37)]
)
def test_the_nearest_schemas_are_taken(text: str, minor: int, schemas: int) -> None:
    """The newest ones before the version, else the oldest."""
    version = kubernetes.version(text)
    assert (version.minor, version.schemas.minor) == (minor, schemas)


KEYWORDS = {"type", "items", "$ref", "format", "required", "additionalProperties", "enum", "oneOf", "properties"}


def _keywords(schema: Any) -> set[str]:  # noqa: ANN401 - a JSON schema
    if isinstance(schema, bool):
        return set()
    own = {key for key in schema if not key.startswith("x-") and key != "description"}
    inner = [*schema.get("properties", {}).values(), *schema.get("oneOf", ())]
    inner += [schema[key] for key in ("items", "additionalProperties") if key in schema]
    return own.union(*map(_keywords, inner))


@pytest.mark.parametrize("version", EVERY_VERSION)
def test_the_schemas_have_no_rules_that_there_is_no_sentence_for(version: str) -> None:
    """A new keyword in a later version of the package would need a sentence of its own."""
    schemas = kubernetes.version(version).schemas
    assert set().union(*map(_keywords, schemas.definitions["$defs"].values())) == KEYWORDS
    fields = [field for one in schemas.definitions["$defs"].values() for field in one.get("properties", {}).items()]
    assert {name for name, field in fields if "enum" in field} == {"apiVersion", "kind"}  # which were looked up by both
    choices = [name for name, schema in schemas.definitions["$defs"].items() if "oneOf" in schema]
    assert {name.rpartition(".")[2] for name in choices} == {"Quantity", "IntOrString"}


def test_the_groups_are_those_of_all_versions() -> None:
    """Those of the schemas, and one that is older than all of them."""
    kinds = [kind for version in EVERY_VERSION for kind in kubernetes.version(version).schemas.kinds]
    assert {api_version.rpartition("/")[0] for api_version, _ in kinds} | {"extensions"} == kubernetes.GROUPS


@pytest.mark.parametrize(("field", "since"), kubernetes.FIELD_SINCE.items())
def test_a_field_that_is_off_is_in_the_schema_before(field: tuple[str, str], since: int | None) -> None:
    """An entry of the table is needed: a schema has the field while the API server drops it."""
    definition = (f"{kubernetes.DEFINITION}{field[0]}", field[1])
    dropped = [minor for minor in range(28, 38) if definition in kubernetes.version(f"v1.{minor}.0").schemas.gated]
    assert dropped
    assert since is None or dropped[-1] == since - 1


def test_schemas_that_are_not_there_are_an_error(monkeypatch: pytest.MonkeyPatch) -> None:
    """The package may have been left out of an installation."""
    monkeypatch.setattr(kubernetes, "PACKAGE", "no_such_package")
    kubernetes.folders.cache_clear()
    kubernetes.version.cache_clear()
    try:
        with pytest.raises(MachineError, match="schemas of Kubernetes are not there"):
            kubernetes.version("v1.30.0")
    finally:
        kubernetes.folders.cache_clear()
