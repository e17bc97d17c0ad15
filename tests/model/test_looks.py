"""What looks like a secret, and like a placeholder for one."""

from __future__ import annotations

import string
from time import monotonic

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dockyard.model.looks import entropy, is_placeholder, is_random, why_secret

RANDOM = "q7Xv2mKp9TzR4wYb"
"""Stands for what a generator of passwords gives."""


@pytest.mark.parametrize(
    ("value", "what"),
    [
        ("-----BEGIN RSA " + "PRIVATE KEY-----\nMIIE\n", "a private key"),
        ("-----BEGIN OPENSSH " + "PRIVATE KEY-----", "a private key"),
        ("ghp_" + RANDOM * 2, "a GitHub token"),
        ("github_pat_" + RANDOM * 3, "a GitHub token"),
        ("glpat-" + RANDOM * 2, "a GitLab token"),
        ("AKIA" + "Q7XV2MKP9TZR4WYB", "an AWS access key"),
        ("AIza" + RANDOM * 2 + "abc", "a Google API key"),
        ("xoxb-" + "1234567890-abc", "a Slack token"),
        ("sk_live_" + RANDOM, "a Stripe key"),
        ("sk-proj-" + RANDOM * 2, "an API key"),
        ("Authorization: Bearer sk-" + RANDOM * 2, "an API key"),
        (f"eyJ{RANDOM}.eyJ{RANDOM}.{RANDOM}", "a JSON web token"),
        ("postgresql://todo:hunter2@db:5432/todo", "a URL with a password"),
        ("see amqp://a:b@c for more", "a URL with a password"),
        ("postgresql://todo:$ecr3t@db/todo", "a URL with a password"),
        ("postgresql://todo:$HUNTER-2@db/todo", "a URL with a password"),
    ],
)
def test_a_secret_is_known_by_its_form(value: str, what: str) -> None:
    """Whatever it is called and wherever in the text it stands."""
    assert why_secret("NOTE", value) == f"holds {what}"


@pytest.mark.parametrize(
    "value",
    [
        "",
        "info",
        "http://api:8000",
        "http://user@host:80/a:b@c",
        "postgresql://todo:$(PASSWORD)@db/todo",
        "postgresql://todo:${PASSWORD}@db/todo",
        "postgresql://todo:@db/todo",
        "http://$user:$password@web",
        "mongodb://$MONGO_USER:$MONGO_PASS@db:27017",
        "mongodb://app:$MONGO_PASS_2@db",
        "sk-...",
        "task-management-is-what-it-is-for-2",
        "sk-learn-for-the-many-who-do-not-know",
        "-----BEGIN CERTIFICATE-----",
        "-----BEGIN PUBLIC KEY-----",
        "AKIA",
        RANDOM * 4,
    ],
)
def test_what_is_no_secret_is_left_alone(value: str) -> None:
    """Under a name that says nothing, only the form counts."""
    assert why_secret("NOTE", value) == ""


@pytest.mark.parametrize(
    "name",
    [
        "PASSWORD",
        "DB_PASSWORD",
        "dbPassword",
        "postgres-passwd",
        "API_KEY",
        "OPENAI_API_KEY",
        "apiKey",
        "apikey",
        "JWT_SECRET",
        "clientSecret",
        "GITHUB_TOKEN",
        "SIGNING_KEY",
        "credentials",
    ],
)
def test_a_name_says_that_its_value_is_a_secret(name: str) -> None:
    """Then any value is one, however short."""
    assert why_secret(name, "hunter2") == "has a value, and its name says that it is a secret"


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("clientSecret", "correct-horse-battery"),
        ("jwtSecret", "dev-secret"),
        ("DB_SECRET", "correct-horse-battery"),
        ("passwordSecret", "Hunter2"),
        ("passwordSecret", RANDOM),
        ("password", "correct-horse-battery"),
        ("secret", "a1b2c3-d4e5f6"),
    ],
)
def test_a_secret_may_look_like_the_name_of_an_object(name: str, value: str) -> None:
    """What it is called tells, or how it is spelt: variables are no values of a chart."""
    assert why_secret(name, value)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        *((name, value) for name in ("API_KEY", "PASSWORD") for value in ("", " ", "null", "true", "~", "/run/key")),
        ("PASSWORD", "{{ .Values.password }}"),
        ("PASSWORD", "${DB_PASSWORD}"),
        ("PASSWORD", "<your password>"),
        ("MAX_TOKEN", " 4096 "),
        ("TOKEN_EXPIRY", "1h"),
        ("SECRET_NAME", "web-secrets"),
        ("secret", "web-secrets"),
        ("existingSecret", "web-secrets"),
        ("extraEnvVarsSecret", "web-extra"),
        ("passwordSecret", "pg16-auth"),
        ("authSecret", "web-auth-2"),
        ("credentialsSecret", "web-credentials"),
        ("PASSWORD", "$DB_PASSWORD"),
        ("imagePullSecret", "registry"),
        ("PUBLIC_KEY", "abc"),
        ("CACHE_KEY", "todo"),
        ("KEYBOARD", "hunter2"),
        ("KEY", "hunter2"),
        ("AUTH_TOKEN", "http://auth:8000"),
        ("automountServiceAccountToken", "false"),
    ],
)
def test_a_name_alone_does_not_make_a_secret(name: str, value: str) -> None:
    """What is empty, leads elsewhere, or is called after something near a secret is none."""
    assert why_secret(name, value) == ""


@pytest.mark.parametrize(
    ("name", "value", "found"),
    [
        ("COOKIE_SALT", RANDOM, True),
        ("CACHE_KEY", RANDOM, True),
        ("KEY_ID", "0d5f1b0a-6c57-4c2e-9f4d-0a9b5a3f6c11", True),
        ("PUBLIC_KEY", RANDOM, False),
        ("CACHE_KEY", "ai-todo-backend-v1", False),
        ("CACHE_KEY", "aaaaaaaaaaaaaaaa1", False),
        ("IMAGE", RANDOM, False),
    ],
)
def test_a_random_value_is_a_secret_where_its_name_hints_at_it(name: str, value: str, *, found: bool) -> None:
    """Words with hyphens between are not random, and a name without a hint says nothing."""
    assert bool(why_secret(name, value)) is found


@given(st.text(string.hexdigits.lower(), min_size=1))
def test_entropy_is_that_of_the_characters(text: str) -> None:
    """It is between none, for one character alone, and four bits for sixteen; order does not count."""
    assert 0 <= entropy(text) <= 4.0001
    assert entropy(text) == pytest.approx(entropy("".join(sorted(text))))
    assert (entropy(text) == 0) == (len(set(text)) == 1)


@given(st.text(), st.text(min_size=8))
def test_what_is_said_holds_nothing_of_the_value(name: str, value: str) -> None:
    """The sentence is one of a few that are known before any value is."""
    assert value not in why_secret(name, value)


@pytest.mark.parametrize(
    "value",
    [
        "a" * 200_000,
        "sk-" * 70_000,
        "eyJ" * 70_000,
        "a://" * 50_000,
        "a:" * 100_000,
        "gh" + "p_a1" * 50_000,
        "x@" * 9**5,
    ],
)
def test_a_long_text_costs_little(value: str) -> None:
    """No form makes the search start again and again over the same text."""
    start = monotonic()
    why_secret("API_KEY", value)
    is_random(value)
    is_placeholder("API_KEY", value)
    assert monotonic() - start < 5


@pytest.mark.parametrize(
    "value",
    [
        "changeme",
        "CHANGE-ME",
        "change_me_now",
        "password",
        "'secret'",
        "todo",
        "TODO: ask Ann",
        "xxx",
        "xxxxxxxx",
        "****",
        "...",
        "sk-...",
        "sk-xxxxxxxxxxxx",
        "<openai key>",
        "{{ key }}",
        "your-api-key",
        "your secret here",
        "generate",
        "shared-secret-key",
        "API_KEY",
        "api_key",
        "insert your key here",
        "postgresql://user:password@neon-host/dbname",
        "postgresql://user:password@db.internal/todo",
        "postgresql://ann:hunter2@example.com/todo",
        "postgresql://<user>:<password>@db/todo",
        "postgresql://todo:...@db/todo",
        "as-in-the-example",
    ],
)
def test_a_placeholder_is_known(value: str) -> None:
    """By its words, by its form, by being the name itself, and by being what the example has."""
    assert is_placeholder("API_KEY", value, "as-in-the-example")


@pytest.mark.parametrize(
    "value",
    [
        RANDOM,
        "sk-" + RANDOM * 2,
        "hunter2",
        "postgresql://todo:hunter2@db/todo",
        "postgresql://postgres:password@localhost/todo",
        "password1!",
        "yourself",
        "as-in-the-example-not",
        "later",
        "todo-9f8e7d6c5b4ab2c1",
        "fixme-3jd92kfj20",
        "todo.9f8e7d6c",
        '{"type": "service_account", "project_id": "todo"}',
    ],
)
def test_a_real_value_is_no_placeholder(value: str) -> None:
    """Weak as it may be: whoever chose it meant it."""
    assert not is_placeholder("API_KEY", value, "as-in-the-example")


@given(st.binary(min_size=24, max_size=32))
def test_what_a_generator_gives_is_a_secret_and_no_placeholder(raw: bytes) -> None:
    """A random value under a secret's name is found in a file, and accepted in .env."""
    value = f"{raw.hex()}a1"
    assert why_secret("API_KEY", value)
    assert not is_placeholder("API_KEY", value)
