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
    from collections.abc import Collection, Mapping

Kind = tuple[str, str]
"""apiVersion and kind: `apps/v1` and `Deployment`."""

PACKAGE = "kubernetes_validate"
FOLDER = re.compile(r"v1\.(?P<minor>\d+)\.\d+-local-strict", re.ASCII)
"""A folder of schemas; the strict ones know which fields there are, and refuse others."""

MINOR = re.compile(r"v?1\.(?P<minor>\d+)(?:[.+-].*)?", re.ASCII)

SERVED: Mapping[Kind, tuple[int, int | None]] = {
    ("admissionregistration.k8s.io/v1", "MutatingWebhookConfiguration"): (16, None),
    ("admissionregistration.k8s.io/v1", "ValidatingWebhookConfiguration"): (16, None),
    ("admissionregistration.k8s.io/v1beta1", "MutatingWebhookConfiguration"): (9, 22),
    ("admissionregistration.k8s.io/v1beta1", "ValidatingWebhookConfiguration"): (9, 22),
    ("apiextensions.k8s.io/v1", "CustomResourceDefinition"): (16, None),
    ("apiextensions.k8s.io/v1beta1", "CustomResourceDefinition"): (7, 22),
    ("apiregistration.k8s.io/v1beta1", "APIService"): (7, 22),
    ("apps/v1beta1", "Deployment"): (6, 16),
    ("apps/v1beta1", "StatefulSet"): (5, 16),
    ("apps/v1beta2", "DaemonSet"): (8, 16),
    ("apps/v1beta2", "Deployment"): (8, 16),
    ("apps/v1beta2", "ReplicaSet"): (8, 16),
    ("apps/v1beta2", "StatefulSet"): (8, 16),
    ("autoscaling/v2", "HorizontalPodAutoscaler"): (23, None),
    ("autoscaling/v2beta1", "HorizontalPodAutoscaler"): (8, 25),
    ("autoscaling/v2beta2", "HorizontalPodAutoscaler"): (12, 26),
    ("batch/v1", "CronJob"): (21, None),
    ("batch/v1beta1", "CronJob"): (8, 25),
    ("certificates.k8s.io/v1", "CertificateSigningRequest"): (19, None),
    ("certificates.k8s.io/v1beta1", "CertificateSigningRequest"): (4, 22),
    ("coordination.k8s.io/v1beta1", "Lease"): (12, 22),
    ("discovery.k8s.io/v1", "EndpointSlice"): (21, None),
    ("discovery.k8s.io/v1beta1", "EndpointSlice"): (17, 25),
    ("events.k8s.io/v1", "Event"): (19, None),
    ("events.k8s.io/v1beta1", "Event"): (8, 25),
    ("extensions/v1beta1", "DaemonSet"): (1, 16),
    ("extensions/v1beta1", "Deployment"): (1, 16),
    ("extensions/v1beta1", "Ingress"): (1, 22),
    ("extensions/v1beta1", "NetworkPolicy"): (3, 16),
    ("extensions/v1beta1", "PodSecurityPolicy"): (3, 16),
    ("extensions/v1beta1", "ReplicaSet"): (2, 16),
    ("networking.k8s.io/v1", "Ingress"): (19, None),
    ("networking.k8s.io/v1", "IngressClass"): (19, None),
    ("networking.k8s.io/v1beta1", "Ingress"): (14, 22),
    ("networking.k8s.io/v1beta1", "IngressClass"): (18, 22),
    ("node.k8s.io/v1", "RuntimeClass"): (20, None),
    ("node.k8s.io/v1beta1", "RuntimeClass"): (14, 25),
    ("policy/v1", "PodDisruptionBudget"): (21, None),
    ("policy/v1beta1", "PodDisruptionBudget"): (5, 25),
    ("policy/v1beta1", "PodSecurityPolicy"): (10, 25),
    ("rbac.authorization.k8s.io/v1beta1", "ClusterRole"): (6, 22),
    ("rbac.authorization.k8s.io/v1beta1", "ClusterRoleBinding"): (6, 22),
    ("rbac.authorization.k8s.io/v1beta1", "Role"): (6, 22),
    ("rbac.authorization.k8s.io/v1beta1", "RoleBinding"): (6, 22),
    ("scheduling.k8s.io/v1beta1", "PriorityClass"): (11, 22),
    ("storage.k8s.io/v1", "CSIStorageCapacity"): (24, None),
    ("storage.k8s.io/v1beta1", "CSIDriver"): (14, 22),
    ("storage.k8s.io/v1beta1", "CSINode"): (14, 22),
    ("storage.k8s.io/v1beta1", "CSIStorageCapacity"): (21, 27),
    ("storage.k8s.io/v1beta1", "StorageClass"): (4, 22),
}
"""The minor version that serves something first, and the one that serves it no longer, for what came or went around the
versions whose schemas are not known (Kubernetes documentation, "Deprecated API Migration Guide")."""


@dataclass(frozen=True, slots=True)
class Schemas:
    """The schemas of one version.

    Attributes:
        minor: The version: 25 for v1.25.
        definitions: The document with all of them.
        kinds: The name of each kind's definition.
    """

    minor: int
    definitions: dict[str, Any] = field(repr=False)
    kinds: Mapping[Kind, str] = field(repr=False)

    def validator(self, kind: Kind) -> Draft202012Validator | None:
        """Return what tells whether an object of a kind is valid, or None where the kind is not known."""
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
        minor: 20 for v1.20.2.
        schemas: The schemas that come nearest: those of the version itself, else of the newest before it; for a version
            before all of them, the oldest.
    """

    minor: int
    schemas: Schemas

    @property
    def is_older(self) -> bool:
        """Whether it is older than all schemas."""
        return self.minor < self.schemas.minor

    def serves(self, kind: Kind) -> bool | None:
        """Tell whether it serves a kind; None where that is not known, as with every kind that is not built in."""
        if self.is_older and kind in SERVED:
            first, end = SERVED[kind]
            return first <= self.minor and (end is None or self.minor < end)
        if kind in self.schemas.kinds:
            return True
        if self.minor > self.schemas.minor:
            return None
        return False if self._is_built_in(kind[0]) else None

    def _is_built_in(self, api_version: str) -> bool:
        """Tell whether all kinds of an apiVersion are known; of an older version, alpha and beta ones are not."""
        if self.is_older:
            return api_version in {known for known, _ in self.schemas.kinds}
        groups = {known.rpartition("/")[0] for known, _ in {*self.schemas.kinds, *SERVED}}
        return api_version.rpartition("/")[0] in groups

    def kinds(self) -> list[Kind]:
        """Return the kinds that it serves, as far as they are known."""
        return sorted(kind for kind in {*self.schemas.kinds, *SERVED} if self.serves(kind))


@cache
def version(text: str) -> Version:
    """Return what is known of a version of Kubernetes.

    Args:
        text: `v1.20.2`; where it is empty, the newest version whose schemas are there is meant.

    Raises:
        MachineError: The schemas are not there.
    """
    there = folders()
    found = MINOR.fullmatch(text)
    minor = int(found["minor"]) if found else max(there)
    return Version(minor, _schemas(max((known for known in there if known <= minor), default=min(there))))


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
    kinds = {}
    for name, schema in definitions["$defs"].items():
        known = schema.get("x-kubernetes-group-version-kind", ())
        if len(known) == 1:  # others are parts of requests, which every group has
            kinds[f"{known[0]['group']}/{known[0]['version']}".lstrip("/"), known[0]["kind"]] = name
    return Schemas(minor, definitions, kinds)


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
