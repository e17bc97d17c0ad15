"""What is rendered against the entities of the data model."""

from __future__ import annotations

from dataclasses import replace

import pytest

from tests.checks.examples import SOUND, change, subject
from tests.checks.samples import changed, find


def test_the_sound_project_is_made_of_entities() -> None:
    """Every object of it is rebuilt without a breach."""
    assert list(find("DY801", subject())) == []


@pytest.mark.parametrize(
    ("old", "new", "path", "words"),
    [
        ("nodePort: 30081, protocol: TCP}]", "nodePort: 30081}, {port: 8000}]", "Service/api-service: spec", "name"),
        ("type: NodePort", "type: NodePrt", "Service/api-service: spec.type", "NodePort"),
        ("  DATABASE_URL: cG9", "  DATABASE URL: cG9", "Secret/web-secrets: data.DATABASE URL.[key]", "is not a key"),
    ],
)
def test_a_breach_names_the_object_the_keys_and_the_rule(old: str, new: str, path: str, words: str) -> None:
    """A finding leads to the value in the template."""
    found = list(find("DY801", change(old, new)))
    assert path in [one.place.path for one in found]
    assert words in " ".join(one.message for one in found)


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("  LOG_LEVEL: info", "  LOG_LEVEL: info\n  EXTRA:"),
        ("  DATABASE_URL: cG9", "  OPTIONAL:\n  DATABASE_URL: cG9"),
        ("  name: web-secrets", "  name: web-secrets\ntype: kubernetes.io/tls"),
        ("  name: web-secrets", "  name: web-secrets\ntype: kubernetes.io/dockerconfigjson"),
        ("{name: APP_VERSION, value: 1.0.0}", "{name: APP_VERSION, value: }"),
        ("image: web:1.0.0", "image: web:1.0.0\n          startupProbe:"),
        ("{path: /ready, port: http}", "{path: ready, port: http}"),
        ("{path: /ready, port: http}", "{path: '', port: http}"),
        ("type: NodePort", "type: LoadBalancer"),
    ],
)
def test_what_kubernetes_takes_is_no_breach(old: str, new: str) -> None:
    """A key without a value is not there, and of types that the model does not have nothing is known."""
    assert [str(one) for one in find("DY801", change(old, new))] == []


def test_what_another_check_tells_is_not_told_twice() -> None:
    """Too many replicas are DY306's."""
    broken = change("  replicas: 1", "  replicas: 4")
    assert list(find("DY306", broken))
    assert list(find("DY801", broken)) == []


@pytest.mark.parametrize(
    ("version", "name", "found"), [("v1.35.0", "2web", 1), ("v1.36.3", "2web", 0), ("", "-web", 1)]
)
def test_a_newer_version_accepts_more_names_of_services(version: str, name: str, found: int) -> None:
    """From 1.36 on a Service's name may start with a digit."""
    text = changed(SOUND, "  name: api-service", f"  name: {name}")
    assert len(find("DY801", replace(subject(text), kubernetes_version=version))) == found


@pytest.mark.parametrize(
    "source", ["fileKeyRef: {volumeName: tmp, path: env, key: A}", "fieldRef: {fieldPath: spec.nodeName}"]
)
def test_a_variable_may_come_from_a_file_or_a_field(source: str) -> None:
    """A file that an init container writes is a source like any other (Kubernetes 1.34)."""
    text = changed(SOUND, "env: [{name: APP_VERSION, value: 1.0.0}]", f"env: [{{name: A, valueFrom: {{{source}}}}}]")
    assert find("DY801", subject(text)) == []
