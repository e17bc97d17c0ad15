"""What each version of Kubernetes serves, and the schemas of its objects.

The schemas are data of the package `kubernetes-validate`, made from the OpenAPI documents that Kubernetes publishes
with each version. The package's own code is not used: it takes half a second to import, and reads a megabyte an object.
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass, field
from functools import cache
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any

from jsonschema_rs import Draft202012Validator, Registry

from dockyard.model.configuration import decode
from dockyard.model.errors import MachineError, RuleError

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Mapping

Kind = tuple[str, str]
"""apiVersion and kind: `apps/v1` and `Deployment`."""

PACKAGE = "kubernetes_validate"
FOLDER = re.compile(r"v1\.(?P<minor>\d+)\.\d+-local-strict", re.ASCII)
"""A folder of schemas; the strict ones refuse unknown fields."""

MINOR = re.compile(r"v?1\.(?P<minor>\d+)(?:[.+-].*)?", re.ASCII)

GROUPS = frozenset(
    {
        "",
        "admissionregistration.k8s.io",
        "apiextensions.k8s.io",
        "apiregistration.k8s.io",
        "apps",
        "authentication.k8s.io",
        "authorization.k8s.io",
        "autoscaling",
        "batch",
        "certificates.k8s.io",
        "coordination.k8s.io",
        "discovery.k8s.io",
        "events.k8s.io",
        "extensions",
        "flowcontrol.apiserver.k8s.io",
        "internal.apiserver.k8s.io",
        "lifecycle.k8s.io",
        "networking.k8s.io",
        "node.k8s.io",
        "policy",
        "rbac.authorization.k8s.io",
        "resource.k8s.io",
        "scheduling.k8s.io",
        "storage.k8s.io",
        "storagemigration.k8s.io",
    }
)
"""The API groups that Kubernetes itself has or had; no custom resource is in one of them."""

STABLE = re.compile(r"(?:.*/)?v\d+", re.ASCII)
BETA_BY_DEFAULT = frozenset({"flowcontrol.apiserver.k8s.io/v1beta2", "flowcontrol.apiserver.k8s.io/v1beta3"})
"""Beta versions that are served by default, as only those are whose group had a beta version before Kubernetes 1.24
(Kubernetes documentation, "API Overview")."""

FIELD_SINCE: Mapping[tuple[str, str], int | None] = {
    ("apps.v1.RollingUpdateStatefulSetStrategy", "maxUnavailable"): 37,
    ("autoscaling.v2.HPAScalingRules", "tolerance"): 35,
    ("batch.v1.JobSpec", "backoffLimitPerIndex"): 29,
    ("batch.v1.JobSpec", "managedBy"): 32,
    ("batch.v1.JobSpec", "maxFailedIndexes"): 29,
    ("batch.v1.JobSpec", "podReplacementPolicy"): 29,
    ("batch.v1.JobSpec", "scheduling"): None,
    ("batch.v1.JobSpec", "successPolicy"): 31,
    ("core.v1.ClusterTrustBundleProjection", "user"): None,
    ("core.v1.ConfigMapVolumeSource", "defaultUser"): None,
    ("core.v1.Container", "restartPolicy"): 29,
    ("core.v1.Container", "restartPolicyRules"): 35,
    ("core.v1.DownwardAPIVolumeFile", "user"): None,
    ("core.v1.DownwardAPIVolumeSource", "defaultUser"): None,
    ("core.v1.EmptyDirVolumeSource", "mode"): None,
    ("core.v1.EnvVarSource", "fileKeyRef"): 35,
    ("core.v1.GRPCAction", "mode"): None,
    ("core.v1.HTTPGetAction", "protocol"): None,
    ("core.v1.KeyToPath", "user"): None,
    ("core.v1.Lifecycle", "stopSignal"): None,
    ("core.v1.LifecycleHandler", "sleep"): 30,
    ("core.v1.PersistentVolumeClaimSpec", "volumeAttributesClassName"): 34,
    ("core.v1.PersistentVolumeSpec", "volumeAttributesClassName"): 34,
    ("core.v1.PodAffinityTerm", "matchLabelKeys"): 31,
    ("core.v1.PodAffinityTerm", "mismatchLabelKeys"): 31,
    ("core.v1.PodCertificateProjection", "user"): None,
    ("core.v1.PodSecurityContext", "seLinuxChangePolicy"): 33,
    ("core.v1.PodSecurityContext", "supplementalGroupsPolicy"): 33,
    ("core.v1.PodSpec", "evictionResponders"): None,
    ("core.v1.PodSpec", "hostUsers"): 33,
    ("core.v1.PodSpec", "hostnameOverride"): 35,
    ("core.v1.PodSpec", "resourceClaims"): 34,
    ("core.v1.PodSpec", "resources"): 34,
    ("core.v1.PodSpec", "schedulingGroup"): None,
    ("core.v1.PodSpec", "workloadRef"): None,
    ("core.v1.ProjectedVolumeSource", "defaultUser"): None,
    ("core.v1.ResourceRequirements", "claims"): 34,
    ("core.v1.SecretVolumeSource", "defaultUser"): None,
    ("core.v1.ServiceAccountTokenProjection", "user"): None,
    ("core.v1.ServiceSpec", "trafficDistribution"): 31,
    ("core.v1.Volume", "image"): 35,
    ("core.v1.VolumeMount", "bindMountOptions"): None,
    ("core.v1.VolumeMount", "recursiveReadOnly"): 31,
    ("core.v1.VolumeProjection", "clusterTrustBundle"): 37,
    ("core.v1.VolumeProjection", "podCertificate"): 37,
}
"""The minor version from which on the API server accepts a field by default, where its schema has the field earlier:
until then a feature gate drops it. None: in no version so far. (Kubernetes documentation, "Feature Gates"; the defaults
are those of the sources of 1.28 to 1.37.)"""

DEFINITION = "io.k8s.api."
"""What the names of definitions start with."""


@dataclass(frozen=True, slots=True)
class Schemas:
    """The schemas of one version, without the fields that its API server drops by default.

    Attributes:
        minor: The version: 25 for v1.25.
        definitions: The document with all of them.
        kinds: The name of each kind's definition.
        gated: The fields that it drops by default: definition and name.
    """

    minor: int
    definitions: dict[str, Any] = field(repr=False)
    kinds: Mapping[Kind, str] = field(repr=False)
    gated: frozenset[tuple[str, str]] = frozenset()

    def validator(self, kind: Kind) -> Draft202012Validator | None:
        """Return the validator for objects of a kind, or None if the kind is unknown."""
        name = self.kinds.get(kind)
        return None if name is None else _validator(self.minor, name)

    def properties(self, definition: str) -> Collection[str]:
        """Return the fields that a definition has."""
        fields: Mapping[str, Any] = self.definitions["$defs"].get(definition, {}).get("properties", {})
        return fields


@dataclass(frozen=True, slots=True)
class Version:
    """A version of Kubernetes, and what is known of it.

    Attributes:
        minor: 36 for v1.36.3.
        schemas: Its schemas; those of the nearest version if it has none.
    """

    minor: int
    schemas: Schemas

    @property
    def is_newer(self) -> bool:
        """Whether it is newer than all schemas, so that it may have more than they know."""
        return self.minor > self.schemas.minor

    def serves(self, kind: Kind) -> bool | None:
        """Whether it has a kind; None if that is unknown, as it is for custom resources."""
        if kind in self.schemas.kinds:
            return True
        is_known = self.minor == self.schemas.minor and _group(kind[0]) in GROUPS
        return False if is_known else None

    def kinds(self) -> list[Kind]:
        """Return the kinds that it serves by default, as far as they are known."""
        return sorted(kind for kind in self.schemas.kinds if is_default(kind[0]))


def is_default(api_version: str) -> bool:
    """Whether an API server serves a built-in apiVersion by default: no alpha version, and few beta versions."""
    return STABLE.fullmatch(api_version) is not None or api_version in BETA_BY_DEFAULT


def served_after(version: Version, kind: Kind) -> int | None:
    """Return the first minor version after another one that has a kind, as far as that is known."""
    later = (minor for minor in sorted(folders()) if minor > version.minor and is_default(kind[0]))
    return next((minor for minor in later if kind in _schemas(minor).kinds), None)


def field_since(definition: str, name: str) -> int | None:
    """Return the minor version from which on a field that a feature gate drops earlier is accepted."""
    return FIELD_SINCE.get((definition.removeprefix(DEFINITION), name))


def _group(api_version: str) -> str:
    return api_version.rpartition("/")[0]


@cache
def version(text: str) -> Version:
    """Return what is known of a version of Kubernetes.

    Args:
        text: `v1.36.3`; the newest version with schemas if it is empty.

    Raises:
        MachineError: The schemas are not there.
    """
    there = folders()
    found = MINOR.fullmatch(text)
    minor = int(found["minor"]) if found else max(there)
    return Version(minor, _schemas(min(max(minor, min(there)), max(there))))


@cache
def folders() -> dict[int, Path]:
    """Return the folder of each minor version's schemas; the package is found, not imported.

    Raises:
        MachineError: The schemas are not there.
    """
    spec = find_spec(PACKAGE)
    roots = [Path(root, "kubernetes-json-schema") for root in (spec and spec.submodule_search_locations) or ()]
    below = [folder for root in roots if root.is_dir() for folder in root.iterdir()]
    there = {int(found["minor"]): folder for folder in below if (found := FOLDER.fullmatch(folder.name))}
    if not there:
        raise MachineError("The schemas of Kubernetes are not there", fix="Run `./inv setup`")
    return there


@cache
def _schemas(minor: int) -> Schemas:
    definitions = json.loads((folders()[minor] / "_definitions.json").read_bytes())
    gated = frozenset(_drop_gated(minor, definitions["$defs"]))
    kinds = {}
    for name, schema in definitions["$defs"].items():
        known = schema.get("x-kubernetes-group-version-kind", ())
        if len(known) == 1:  # others are parts of requests, which every group has
            kinds[f"{known[0]['group']}/{known[0]['version']}".lstrip("/"), known[0]["kind"]] = name
    return Schemas(minor, definitions, kinds, gated)


def _drop_gated(minor: int, definitions: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    """Remove the fields that a version drops by default from their definitions, and yield them."""
    for (short, name), since in FIELD_SINCE.items():
        definition = f"{DEFINITION}{short}"
        is_on = since is not None and since <= minor
        if not is_on and definitions.get(definition, {}).get("properties", {}).pop(name, None) is not None:
            yield definition, name


@cache
def _registry(minor: int) -> Registry:
    definitions = _schemas(minor).definitions
    return Registry([(definitions["$id"], definitions)])


@cache
def _validator(minor: int, name: str) -> Draft202012Validator:
    reference = {"$ref": f"{_schemas(minor).definitions['$id']}#/$defs/{name}"}
    return Draft202012Validator(
        reference, registry=_registry(minor), formats={"byte": _is_base64}, validate_formats=True, offline=True
    )


def _is_base64(text: str) -> bool:
    try:
        decode(text)
    except RuleError:
        return False
    return True
