"""ConfigMaps and Secrets."""

from __future__ import annotations

import traceback
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from dockyard.model.configuration import MAX_BYTES, ConfigMapSpec, SecretSpec, decode, encode
from dockyard.model.errors import RuleError

if TYPE_CHECKING:
    from collections.abc import Callable

CONFIG: dict[str, Any] = {
    "name": "ai-todo-backend-config",
    "data": {
        "MCP_SERVER_URL": "http://ai-todo-mcp-service:8001",
        "BETTER_AUTH_ISSUER": "http://ai-todo-frontend-service:3000",
        "BETTER_AUTH_JWKS_URL": "http://ai-todo-frontend-service:3000/api/auth/jwks",
        "LOG_LEVEL": "info",
    },
}
"""The example of data-model.md, section 5."""

PLAIN = "hunter2-and-more"


def test_the_example_of_the_specification_is_a_config_map() -> None:
    """It is read, and written as it was read."""
    assert ConfigMapSpec.model_validate(CONFIG).model_dump() == CONFIG


@pytest.mark.parametrize(
    ("change", "place", "sentence"),
    [
        ({"name": "A"}, "name", "is not a DNS subdomain"),
        ({"data": {"PORT": 8000}}, "data.PORT", "Input should be a valid string"),
        ({"data": {"a/b": "c"}}, "data.a/b.[key]", "is not a key of a ConfigMap or Secret"),
        ({"data": {"..": "c"}}, "data....[key]", "As a file it would leave its folder"),
        ({"data": {"a": "é" * (MAX_BYTES // 2), "b": "x"}}, "", f"holds {MAX_BYTES + 1} bytes"),
        ({"immutable": True}, "immutable", "Extra inputs are not permitted"),
    ],
)
def test_a_broken_rule_of_a_config_map_is_told_at_its_key(
    refusals: Callable[[type[ConfigMapSpec], object], dict[str, str]],
    change: dict[str, Any],
    place: str,
    sentence: str,
) -> None:
    """Each rule has its sentence; the size counts bytes, not characters."""
    found = refusals(ConfigMapSpec, CONFIG | change)
    assert list(found) == [place]
    assert sentence in found[place]


def test_the_limit_is_kubernetes_own() -> None:
    """1 MiB, in bytes."""
    assert MAX_BYTES == 1_048_576


def test_a_config_map_may_be_full() -> None:
    """The limit itself is allowed."""
    assert ConfigMapSpec.model_validate({"name": "a", "data": {"a": "x" * MAX_BYTES}}).data


def test_a_config_maps_values_are_not_shown() -> None:
    """One may be a secret by mistake."""
    assert "info" not in repr(ConfigMapSpec.model_validate(CONFIG))


@given(st.dictionaries(st.from_regex(r"[A-Z_]{1,9}", fullmatch=True), st.text() | st.binary(), max_size=5))
def test_a_secret_gives_back_what_it_was_made_of(values: dict[str, str | bytes]) -> None:
    """Byte for byte, text as UTF-8, through base64 and a manifest and back."""
    secret = SecretSpec.of("a", values)
    plain = {key: value.encode() if isinstance(value, str) else value for key, value in values.items()}
    assert secret.reveal() == plain
    manifest = {"name": "a", "type": "Opaque", "data": {key: encode(value) for key, value in values.items()}}
    assert SecretSpec.model_validate(manifest) == secret


@given(st.binary(max_size=200))
def test_base64_goes_both_ways(raw: bytes) -> None:
    """What is encoded decodes to the same bytes, with line breaks in it too."""
    text = encode(raw)
    assert "\n" not in text
    assert decode(text) == decode("\r\n".join(text)) == raw


@pytest.mark.parametrize("text", ["a", "YQ", "YQ=", "Y Q==", "YQ===", "é", PLAIN, "YQ==YQ==", "_-8="])
def test_what_is_not_base64_is_refused_without_being_named(text: str) -> None:
    """Padding and alphabet are Kubernetes' own; the error does not repeat the value, nor does its traceback."""
    with pytest.raises(RuleError, match="A value is not base64") as caught:
        decode(text)
    assert repr(text) not in "".join(map(str, caught.value.args))


BROKEN: dict[str, dict[str, Any]] = {
    "plain text": {"name": "a", "data": {"KEY": PLAIN}},
    "no mapping": {"name": "a", "data": PLAIN},
    "a list": {"name": "a", "data": {"KEY": [PLAIN]}},
    "bad key": {"name": "a", "data": {"K/": encode(PLAIN)}},
    "stringData": {"name": "a", "stringData": {"KEY": PLAIN}},
    "type": {"name": "a", "type": "kubernetes.io/tls", "data": {"KEY": encode(PLAIN)}},
    "too large": {"name": "a", "data": {"KEY": encode(PLAIN * (MAX_BYTES // len(PLAIN)) + PLAIN)}},
}


@pytest.mark.parametrize("document", BROKEN.values(), ids=BROKEN)
def test_a_secrets_value_is_in_no_error(document: dict[str, Any]) -> None:
    """Neither the text of an error, nor its facts, nor its traceback repeat a value, plain or encoded."""
    with pytest.raises(ValidationError) as caught:
        SecretSpec.model_validate(document)
    error = caught.value
    told = "".join([repr(error), repr(error.errors()), error.json(), *traceback.format_exception(error)])
    told += repr((error.__context__, error.__cause__))
    assert PLAIN not in told
    assert encode(PLAIN) not in told


@pytest.mark.parametrize(
    ("name", "place", "sentence"),
    [
        ("plain text", "data.KEY", "A value is not base64"),
        ("no mapping", "data", "Input should be a valid dictionary"),
        ("a list", "data.KEY", "Input should be a valid string"),
        ("bad key", "data.K/.[key]", "'K/' is not a key"),
        ("stringData", "stringData", "Extra inputs are not permitted"),
        ("type", "type", "Input should be 'Opaque'"),
        ("too large", "", f"All values together have at most {MAX_BYTES}"),
    ],
)
def test_a_broken_rule_of_a_secret_is_told_at_its_key(
    refusals: Callable[[type[SecretSpec], object], dict[str, str]], name: str, place: str, sentence: str
) -> None:
    """Each rule has its sentence, and its place is kept."""
    found = refusals(SecretSpec, BROKEN[name])
    assert list(found) == [place]
    assert sentence in found[place]


def test_a_secrets_values_are_in_no_repr_and_no_dump() -> None:
    """Only reveal() gives them."""
    secret = SecretSpec.of("a", {"KEY": PLAIN})
    told = f"{secret!r} {secret} {secret.model_dump()} {secret.model_dump_json()}"
    assert PLAIN not in told
    assert encode(PLAIN) not in told
    assert secret.reveal() == {"KEY": PLAIN.encode()}


def test_a_secret_is_opaque_and_may_be_empty() -> None:
    """The specification's type is the default."""
    assert (SecretSpec(name="a").type, SecretSpec(name="a").reveal()) == ("Opaque", {})
