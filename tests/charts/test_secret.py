"""The Secret that Dockyard writes itself."""

from __future__ import annotations

import base64

import pytest
from pydantic import ValidationError

from dockyard.charts.secret import checksum, secret_manifest
from dockyard.model.configuration import SecretSpec
from dockyard.model.project import ReleaseSpec

AWKWARD = {
    "COMMA": "a,b=c",
    "QUOTES": 'it\'s "so" `here`',
    "BACKSLASH": "\\n \\\\",
    "LINES": "one\r\ntwo\n\n",
    "TEMPLATE": "{{ .Values.x }} $(HOME) ${HOME}",
    "DIGITS": "007",
    "BOOLEAN": "true",
    "UNICODE": "密码 🔑 \u2028",
    "LONG": "x" * 100_000,
}


def spec(*names: str, existing: str | None = "ai-todo-web-secrets") -> ReleaseSpec:
    """Return a release that asks for those secrets."""
    return ReleaseSpec.model_validate({"chart": "helm/web", "secrets": list(names), "existingSecret": existing})


def test_the_secret_is_what_the_api_takes() -> None:
    """By the name that dockyard.yaml gives it, with the release's secrets alone, and marked as Dockyard's."""
    assert secret_manifest("web", spec("KEY", "NONE"), {"KEY": "v", "OTHER": "x"}) == {
        "apiVersion": "v1",
        "kind": "Secret",
        "metadata": {
            "name": "ai-todo-web-secrets",
            "labels": {"app.kubernetes.io/instance": "web", "app.kubernetes.io/managed-by": "dockyard"},
            "annotations": {"helm.sh/resource-policy": "keep"},
        },
        "type": "Opaque",
        "data": {"KEY": "dg==", "NONE": ""},
    }


def test_every_byte_of_a_value_survives() -> None:
    """What the pods get is what was given; the model reads the same object as its own entity."""
    made = secret_manifest("web", spec(*AWKWARD), AWKWARD)
    assert {name: base64.b64decode(text).decode() for name, text in made["data"].items()} == AWKWARD
    read = SecretSpec.model_validate({"name": made["metadata"]["name"], "type": made["type"], "data": made["data"]})
    assert {name: value.decode() for name, value in read.reveal().items()} == AWKWARD


def test_what_does_not_fit_is_refused_without_a_value() -> None:
    """A Secret holds a mebibyte."""
    with pytest.raises(ValidationError, match="The Secret ai-todo-web-secrets holds") as caught:
        secret_manifest("web", spec("KEY"), {"KEY": "hunter2" * 200_000})
    assert "hunter2" not in str(caught.value)


def test_a_release_that_leaves_it_to_helm_has_none() -> None:
    """Two writers of one object would undo each other's work."""
    with pytest.raises(ValueError, match="Helm writes the Secret of release web"):
        secret_manifest("web", spec("KEY", existing=None), {"KEY": "v"})


def test_the_checksum_follows_the_values_that_the_release_uses() -> None:
    """A changed value changes it; another secret's, and the order of names, do not."""
    first = checksum(spec("KEY", "B"), {"KEY": "v", "B": "w"})
    assert len(first) == 64
    assert checksum(spec("B", "KEY"), {"KEY": "v", "B": "w", "OTHER": "x"}) == first
    assert checksum(spec("KEY", "B"), {"KEY": "v", "B": "x"}) != first
    assert checksum(spec("KEY", "B"), {"KEY": "w", "B": "v"}) != first
