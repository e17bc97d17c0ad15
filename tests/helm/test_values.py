"""What the charts take as values: what they refuse, and that what they take arrives unchanged."""

from __future__ import annotations

import base64
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from tests.helm.conftest import Chart

pytestmark = pytest.mark.process

REQUIRED = {
    "backend": ["DATABASE_URL", "BETTER_AUTH_SECRET"],
    "mcp": ["DATABASE_URL"],
    "frontend": ["BETTER_AUTH_SECRET", "DATABASE_URL"],
}

AWKWARD = {
    "COMMA": "postgresql://u:a,b=c@db/todo?sslmode=require&x=[y]",
    "QUOTES": 'it\'s "quoted" and `ticked`',
    "BACKSLASH": r"C:\new\table \\ \" \u0041",
    "NEWLINE": "-----BEGIN KEY-----\nline: two\r\n\n-----END KEY-----\n\n",
    "TEMPLATE": '{{ .Values.secrets }} {{ fail "run" }} ${HOME} $(HOME)',
    "DIGITS": "007",
    "FLOAT": "1e5",
    "BOOLEAN": "yes",
    "NOTHING": "null",
    "TILDE": "~",
    "SPACES": "  both ends\t",
    "COMMENT": "before # after",
    "UNICODE": "пароль 密码 🔑 e\u0301 \u2028 \u00a0 \ufeff",
    "CONTROL": "\x01\x07\x1b[31m",
    "EMPTY": "",
    "LONG": "x" * 20_000,
    "ON": "a name that YAML takes for a truth value",
    "null": "a name that YAML takes for nothing",
}
"""Values that a shell, `--set`, YAML or a template engine is known to damage. Without U+007F, which Helm 3 refuses."""


def test_awkward_secrets_arrive_byte_for_byte(chart: Chart) -> None:
    """Each secret decodes to the very bytes that were given."""
    given = {**dict.fromkeys(REQUIRED[chart.name], "x"), **AWKWARD}
    data = chart.objects(secrets=given)["Secret"]["data"]
    arrived = {name: base64.b64decode(data[name]) for name in AWKWARD}
    assert arrived == {name: value.encode() for name, value in AWKWARD.items()}


def test_awkward_config_arrives_character_for_character(chart: Chart) -> None:
    """Each configuration value is the very string that was given."""
    data = chart.objects(config=AWKWARD)["ConfigMap"]["data"]
    assert {name: data[name] for name in AWKWARD} == AWKWARD


@pytest.mark.parametrize("empty", ["", " \t\n"], ids=["empty", "blank"])
def test_missing_secrets_are_refused_by_name(chart: Chart, empty: str) -> None:
    """A required secret without a value is refused before anything is rendered, and all of them are named."""
    said = chart.refusal(secrets=dict.fromkeys(REQUIRED[chart.name], empty))
    names = ", ".join(f"secrets.{name}" for name in REQUIRED[chart.name])
    assert f"ai-todo-{chart.name}: missing or empty: {names}." in said


def test_only_the_missing_secret_is_named(chart: Chart) -> None:
    """A secret that has a value is not complained of, and no value is shown."""
    *others, missing = REQUIRED[chart.name]
    said = chart.refusal(secrets={**dict.fromkeys(others, "hunter2"), missing: None})
    assert f"missing or empty: secrets.{missing}. " in said
    assert "hunter2" not in said


def test_the_assistants_key_may_be_empty(backend: Chart) -> None:
    """Without OPENAI_API_KEY the assistant works offline: the chart renders."""
    secrets = {"DATABASE_URL": "x", "BETTER_AUTH_SECRET": "x"}
    assert backend.objects(secrets=secrets)["Secret"]["data"]["OPENAI_API_KEY"] == ""


@pytest.mark.parametrize(
    ("values", "named"),
    [
        pytest.param({"replicas": 1}, "replicas", id="an unknown key"),
        pytest.param({"image": {"tagg": "1.0.0"}}, "tagg", id="an unknown key of the image"),
        pytest.param({"livenessProbe": {"exec": {}}}, "exec", id="an unknown key of a probe"),
        pytest.param({"replicaCount": 4}, "replicaCount", id="more replicas than three"),
        pytest.param({"replicaCount": 0}, "replicaCount", id="no replica"),
        pytest.param({"image": {"tag": "my tag"}}, "tag", id="a tag that is no version"),
        pytest.param({"image": {"tag": "1.0"}}, "tag", id="a tag with two numbers"),
        pytest.param({"service": {"type": "LoadBalancer"}}, "type", id="a type of Service without a use here"),
        pytest.param({"service": {"nodePort": 8080}}, "nodePort", id="a NodePort outside the range"),
        pytest.param({"readinessProbe": {"path": "ready"}}, "path", id="a path without its slash"),
        pytest.param({"config": {"LOG_LEVEL": True}}, "LOG_LEVEL", id="a configuration value that is no string"),
        pytest.param({"config": {"not a name": "x"}}, "not a name", id="a name that is no variable's"),
        pytest.param({"resources": {"limits": None}}, "limits", id="no limits"),
    ],
)
def test_the_schema_refuses(backend: Chart, values: dict[str, object], named: str) -> None:
    """A value that cannot be right is refused, and the message names it."""
    assert named in backend.refusal(**values)


def test_a_number_is_refused_as_a_secret_and_not_shown(backend: Chart) -> None:
    """YAML would have dropped its leading zeros: it must be quoted, and the message does not repeat it."""
    said = backend.refusal(secrets={"DATABASE_URL": 4242424242, "BETTER_AUTH_SECRET": "x"})
    assert "DATABASE_URL" in said
    assert "4242424242" not in said


@pytest.mark.parametrize("tag", ["latest", "1.0.0", "v1.0.0", "0.0.0-abcdef123456", "0.0.0-000000000001"])
def test_the_tags_of_the_specification_are_taken(backend: Chart, tag: str) -> None:
    """A semantic version, a content tag and latest are deployed as they are."""
    assert backend.container(image={"tag": tag})["image"] == f"ai-todo-backend:{tag}"


def test_a_node_port_can_be_left_to_the_cluster(backend: Chart) -> None:
    """Two namespaces stand side by side when the cluster chooses the port."""
    (port,) = backend.objects(service={"type": "NodePort", "nodePort": None})["Service"]["spec"]["ports"]
    assert "nodePort" not in port


def test_an_internal_service_has_no_node_port(backend: Chart) -> None:
    """ClusterIP drops the port of NodePort, which the API server would refuse."""
    (port,) = backend.objects(service={"type": "ClusterIP"})["Service"]["spec"]["ports"]
    assert "nodePort" not in port


def test_three_replicas_are_the_most(backend: Chart) -> None:
    """The upper bound itself is taken."""
    assert backend.objects(replicaCount=3)["Deployment"]["spec"]["replicas"] == 3
