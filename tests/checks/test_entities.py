"""What is rendered against the entities of the data model."""

from __future__ import annotations

import pytest

from tests.checks.examples import change, subject
from tests.checks.samples import find


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
