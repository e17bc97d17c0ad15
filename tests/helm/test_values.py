"""Values: wrong ones are rejected, and accepted ones arrive unchanged."""

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
    "ON": "a name that YAML reads as a boolean",
    "null": "a name that YAML reads as null",
}
"""Values that a shell, `--set`, YAML or a template engine may damage. U+007F is missing, as Helm 3 rejects it."""


def test_awkward_secrets_arrive_byte_for_byte(chart: Chart) -> None:
    """Each secret decodes to the given bytes."""
    given = {**dict.fromkeys(REQUIRED[chart.name], "x"), **AWKWARD}
    data = chart.objects(secrets=given)["Secret"]["data"]
    arrived = {name: base64.b64decode(data[name]) for name in AWKWARD}
    assert arrived == {name: value.encode() for name, value in AWKWARD.items()}


def test_awkward_config_arrives_character_for_character(chart: Chart) -> None:
    """Each configuration value is the given string."""
    data = chart.objects(config=AWKWARD)["ConfigMap"]["data"]
    assert {name: data[name] for name in AWKWARD} == AWKWARD


@pytest.mark.parametrize("empty", ["", " \t\n"], ids=["empty", "blank"])
def test_missing_secrets_are_named(chart: Chart, empty: str) -> None:
    """Rendering fails if required secrets have no value, and the message names all of them."""
    message = chart.refusal(secrets=dict.fromkeys(REQUIRED[chart.name], empty))
    names = ", ".join(f"secrets.{name}" for name in REQUIRED[chart.name])
    assert f"ai-todo-{chart.name}: missing or empty: {names}." in message


def test_only_the_missing_secret_is_named(chart: Chart) -> None:
    """The message does not name a secret that has a value, and shows no value."""
    *others, missing = REQUIRED[chart.name]
    message = chart.refusal(secrets={**dict.fromkeys(others, "hunter2"), missing: None})
    assert f"missing or empty: secrets.{missing}. " in message
    assert "hunter2" not in message


def test_the_assistants_key_may_be_empty(backend: Chart) -> None:
    """The chart renders without OPENAI_API_KEY, since the assistant works offline."""
    secrets = {"DATABASE_URL": "x", "BETTER_AUTH_SECRET": "x"}
    assert backend.objects(secrets=secrets)["Secret"]["data"]["OPENAI_API_KEY"] == ""


@pytest.mark.parametrize(
    ("values", "named"),
    [
        pytest.param({"replicas": 1}, "replicas", id="an unknown key"),
        pytest.param({"image": {"tagg": "1.0.0"}}, "tagg", id="an unknown key of the image"),
        pytest.param({"livenessProbe": {"exec": {}}}, "exec", id="an unknown key of a probe"),
        pytest.param({"replicaCount": 4}, "replicaCount", id="more than three replicas"),
        pytest.param({"replicaCount": 0}, "replicaCount", id="no replicas"),
        pytest.param({"image": {"tag": "my tag"}}, "tag", id="a tag that is not a version"),
        pytest.param({"image": {"tag": "1.0"}}, "tag", id="a tag with two numbers"),
        pytest.param({"service": {"type": "LoadBalancer"}}, "type", id="an unsupported Service type"),
        pytest.param({"service": {"nodePort": 8080}}, "nodePort", id="a NodePort outside the range"),
        pytest.param({"readinessProbe": {"path": "ready"}}, "path", id="a path without a slash"),
        pytest.param({"config": {"LOG_LEVEL": True}}, "LOG_LEVEL", id="a configuration value that is not a string"),
        pytest.param({"config": {"not a name": "x"}}, "not a name", id="a name that is not valid for a variable"),
        pytest.param({"resources": {"limits": None}}, "limits", id="no limits"),
    ],
)
def test_the_schema_rejects(backend: Chart, values: dict[str, object], named: str) -> None:
    """A wrong value is rejected, and the message names it."""
    assert named in backend.refusal(**values)


def test_a_number_is_rejected_as_a_secret_and_not_shown(backend: Chart) -> None:
    """A number must be quoted, as YAML would drop its leading zeros; the message does not repeat it."""
    message = backend.refusal(secrets={"DATABASE_URL": 4242424242, "BETTER_AUTH_SECRET": "x"})
    assert "DATABASE_URL" in message
    assert "4242424242" not in message


@pytest.mark.parametrize("tag", ["latest", "1.0.0", "v1.0.0", "0.0.0-abcdef123456", "0.0.0-000000000001"])
def test_the_tags_of_the_specification_are_accepted(backend: Chart, tag: str) -> None:
    """A semantic version, a content tag and `latest` are used unchanged."""
    assert backend.container(image={"tag": tag})["image"] == f"ai-todo-backend:{tag}"


def test_the_cluster_can_choose_the_node_port(backend: Chart) -> None:
    """With null, the same release fits in a second namespace."""
    (port,) = backend.objects(service={"type": "NodePort", "nodePort": None})["Service"]["spec"]["ports"]
    assert "nodePort" not in port


def test_an_internal_service_has_no_node_port(backend: Chart) -> None:
    """With ClusterIP the NodePort is left out, since the API server would reject it."""
    (port,) = backend.objects(service={"type": "ClusterIP"})["Service"]["spec"]["ports"]
    assert "nodePort" not in port


def test_three_replicas_are_accepted(backend: Chart) -> None:
    """The upper bound is inclusive."""
    assert backend.objects(replicaCount=3)["Deployment"]["spec"]["replicas"] == 3
