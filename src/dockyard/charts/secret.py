"""The Secret that Dockyard writes itself, where a release keeps its secrets out of Helm (`existingSecret`)."""

from __future__ import annotations

import json
from hashlib import sha256
from typing import TYPE_CHECKING, Any

from dockyard.model.configuration import SecretSpec

if TYPE_CHECKING:
    from collections.abc import Mapping

    from dockyard.model.project import ReleaseSpec

MANAGED_BY, MANAGER = "app.kubernetes.io/managed-by", "dockyard"
"""The label that says who an object is of: Helm takes over none that is another's."""

KEEP = {"helm.sh/resource-policy": "keep"}
"""The annotation with which Helm leaves an object that a release no longer has (Helm documentation, "Chart Development
Tips and Tricks"): a release that had its Secret from Helm until now would else lose it again."""


def secret_values(spec: ReleaseSpec, values: Mapping[str, str]) -> dict[str, str]:
    """Return the secrets that a release names, each with its value; empty where one that is not required has none."""
    return {name: values.get(name, "") for name in spec.secrets}


def secret_manifest(release: str, spec: ReleaseSpec, values: Mapping[str, str]) -> dict[str, Any]:
    """Return the Secret of a release as the API takes it; it has no namespace, since the call names that.

    Args:
        release: The release's name.
        spec: What dockyard.yaml says of it; it has an `existingSecret`.
        values: Values of secrets by name; the Secret gets only those that the release names.

    Raises:
        ValueError: The release lets Helm write its Secret.
        pydantic.ValidationError: The values are too large for one Secret.
    """
    if spec.existing_secret is None:
        raise ValueError(f"Helm writes the Secret of release {release}")
    secret = SecretSpec.of(spec.existing_secret, secret_values(spec, values))
    labels = {"app.kubernetes.io/instance": release, MANAGED_BY: MANAGER}
    return {
        "apiVersion": "v1",
        "kind": "Secret",
        "metadata": {"name": secret.name, "labels": labels, "annotations": dict(KEEP)},
        "type": secret.type,
        "data": {name: value.get_secret_value() for name, value in secret.data.items()},
    }


def checksum(spec: ReleaseSpec, values: Mapping[str, str]) -> str:
    """Return the SHA-256 of what a release's Secret holds: pods are replaced when it changes."""
    return sha256(json.dumps(secret_values(spec, values), sort_keys=True).encode()).hexdigest()
