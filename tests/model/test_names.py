"""Names of Kubernetes, Helm and the environment."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import TypeAdapter

from dockyard.model import names
from dockyard.model.errors import RuleError

if TYPE_CHECKING:
    from collections.abc import Callable

ACCEPTED: dict[Callable[[str], str], tuple[str, ...]] = {
    names.dns_label: ("a", "default", "ai-todo", "1a", "a" * 63),
    names.dns_subdomain: ("a", "ai-todo-backend-deployment", "a.b", "a" * 63 + ".b", "1.2"),
    names.service_name: ("a", "ai-todo-mcp-service", "a" * 63),
    names.release_name: ("backend", "a.b", "1", "a" * 53),
    names.chart_name: ("ai-todo-backend", "My_chart.v2"),
    names.env_name: ("DATABASE_URL", "_x", "a1", "A" * 253),
    names.container_env_name: ("DATABASE_URL", "my.var-1", ".x", "-x", "1A", "A B:c", "A" * 253),
    names.port_name: ("http", "a", "8a", "http-metrics", "a" * 15),
    names.label_value: ("", "ai-todo", "v1.0_x", "a" * 63),
    names.label_key: ("app", "app.kubernetes.io/name", "a_b.C"),
    names.data_key: ("LOG_LEVEL", "config.yaml", ".hidden", "-", "a" * 253),
    names.http_path: ("/", "/health", "/api/auth/jwks", "/a?b=c&d=%20", "/a;b,c:d@e!$*+(x)~_-."),
    names.relative_path: ("./backend", "dockerfiles/backend.Dockerfile", "../shared", ".", "a b"),
}

REFUSED: dict[Callable[[str], str], tuple[str, ...]] = {
    names.dns_label: ("", "A", "a_b", "-a", "a-", "a.b", "a\n", "é", "a" * 64),
    names.dns_subdomain: ("", "A", ".a", "a.", "a..b", "-a.b", "a/b", "a" * 254),
    names.service_name: ("", "1a", "a.b", "A", "a-", "a" * 64),
    names.release_name: ("", "Backend", "a_b", "a" * 54),
    names.chart_name: ("", "a b", "a/b", "a" * 251),
    names.env_name: ("", "1A", "A-B", "A.B", "A B", "A=B", "Ä", "A" * 254),
    names.container_env_name: ("", "A=B", "A\n", "Ä", "A" * 254),
    names.port_name: ("", "8080", "HTTP", "-a", "a-", "a--b", "a" * 16),
    names.label_value: ("-a", "a-", "a b", "a" * 64, "a/b"),
    names.label_key: ("", "/a", "a/", "A.B/c", "-a", "a/b/c", "a" * 64),
    names.data_key: ("", ".", "..", "..a", "a/b", "a b", "a" * 254),
    names.http_path: ("", "health", "http://host/", "/a b", "/a#b", '/"', "/a\n", "/ä"),
    names.relative_path: ("", "/etc", "~/x", "a\nb", "a\0b"),
}

TYPES = {
    names.dns_label: names.DnsLabel,
    names.dns_subdomain: names.DnsSubdomain,
    names.service_name: names.ServiceName,
    names.release_name: names.ReleaseName,
    names.chart_name: names.ChartName,
    names.env_name: names.EnvName,
    names.container_env_name: names.ContainerEnvName,
    names.port_name: names.PortName,
    names.label_value: names.LabelValue,
    names.label_key: names.LabelKey,
    names.data_key: names.DataKey,
    names.http_path: names.HttpPath,
    names.relative_path: names.RelativePath,
}


@pytest.mark.parametrize(("rule", "name"), [(rule, name) for rule, texts in ACCEPTED.items() for name in texts])
def test_a_name_that_keeps_its_rule_is_returned(rule: Callable[[str], str], name: str) -> None:
    """The rule returns the name as it stands, and so does its type."""
    assert rule(name) == name
    assert TypeAdapter(TYPES[rule]).validate_python(name) == name


@pytest.mark.parametrize(("rule", "name"), [(rule, name) for rule, texts in REFUSED.items() for name in texts])
def test_a_name_that_breaks_its_rule_is_refused_by_name(rule: Callable[[str], str], name: str) -> None:
    """The error names the text, what it is not, and where the rule stands."""
    with pytest.raises(RuleError, match=" is not ") as caught:
        rule(name)
    assert caught.value.why
    with pytest.raises(ValueError, match=" is not "):
        TypeAdapter(TYPES[rule]).validate_python(name)


def test_a_name_that_is_too_long_is_told_by_its_length() -> None:
    """The whole of it is not repeated, and both lengths are said."""
    with pytest.raises(RuleError, match="has 10000 characters, 53 are allowed") as caught:
        names.release_name("a" * 10_000)
    assert len(str(caught.value)) < 250


@pytest.mark.parametrize(
    "rule", [rule for rule in TYPES if isinstance(rule, names.NameRule)], ids=lambda rule: rule.thing
)
@given(data=st.data())
def test_editors_apply_the_same_rule(rule: names.NameRule, data: st.DataObject) -> None:
    """The pattern in the JSON Schema accepts a text exactly where the rule does."""
    schema = TypeAdapter(TYPES[rule]).json_schema()
    text = data.draw(st.text("abZ09-_./ é", max_size=20) | st.text(max_size=5))
    fits = schema["minLength"] <= len(text) <= schema["maxLength"]
    matches = re.search(schema["pattern"].replace("$", r"\Z"), text, re.ASCII) is not None
    try:
        rule(text)
    except RuleError:
        assert not (fits and matches)
    else:
        assert fits
        assert matches
