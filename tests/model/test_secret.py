"""Secrets as releases declare them, and what is wrong with values."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from dockyard.model.configuration import MAX_BYTES
from dockyard.model.errors import RuleError
from dockyard.model.secret import LONGEST, Kind, SecretUse, contradictions, declared, judge, judge_all

STRONG = "q7Xv2mKp9TzR4wYb"

Said = dict[str, Any]
"""What a release says of secrets, as dockyard.yaml has it."""


def uses(**releases: Said) -> dict[str, dict[str, SecretUse]]:
    """Return what releases say of secrets."""
    return {
        release: {name: SecretUse.model_validate(use) for name, use in said.items()}
        for release, said in releases.items()
    }


def test_what_one_release_says_of_a_value_holds_for_all() -> None:
    """Whether it is required and what it is for are each release's own."""
    said = declared(
        uses(
            web={"KEY": {"description": "signs\n sessions", "minLength": 32}, "URL": {}},
            api={"KEY": {"required": False, "pattern": "[a-z]+", "description": "signs sessions"}},
            job={"KEY": {"generate": True, "example": "abc", "description": "checks them"}},
        )
    )
    key = said["KEY"]
    assert list(said) == ["KEY", "URL"]
    assert (key.releases, key.required_by) == (("web", "api", "job"), ("web", "job"))
    assert key.descriptions == ("signs sessions", "checks them")
    assert (key.min_length, key.pattern, key.example, key.generate) == (32, "[a-z]+", "abc", True)
    assert key.use(SecretUse(required=False)).min_length == 32


@pytest.mark.parametrize(
    ("first", "second", "key"),
    [
        ({"minLength": 8}, {"minLength": 32}, "minLength"),
        ({"pattern": "a"}, {"pattern": "b"}, "pattern"),
        ({"example": "a"}, {"example": "b"}, "example"),
        ({"generate": True}, {"generate": False}, "generate"),
    ],
)
def test_releases_must_not_contradict_each_other(first: Said, second: Said, key: str) -> None:
    """There is one value; the place is that of the later one."""
    ((place, error),) = contradictions(uses(web={"KEY": first}, api={"KEY": second}))
    assert place == ("releases", "api", "secrets", "KEY", key)
    assert error.what == "Release web says otherwise of KEY"


@pytest.mark.parametrize(
    ("first", "second"),
    [
        ({"minLength": 8}, {"minLength": 8}),
        ({"minLength": 8}, {}),
        ({"required": True, "description": "a"}, {"required": False, "description": "b"}),
    ],
)
def test_what_may_differ_is_no_contradiction(first: Said, second: Said) -> None:
    """The same word twice, silence, and what is each release's own."""
    assert list(contradictions(uses(web={"KEY": first}, api={"KEY": second}))) == []


@pytest.mark.parametrize(
    "use", [{"minLength": 0}, {"minLength": "8"}, {"minLength": True}, {"pattern": "("}, {"pattern": "a{99999999999}"}]
)
def test_a_rule_that_is_none_is_refused(use: Said) -> None:
    """With a sentence, when dockyard.yaml is read."""
    with pytest.raises(ValidationError):
        SecretUse.model_validate(use)


def faults(value: str | None, *, provided: bool = False, **use: object) -> list[tuple[Kind, str]]:
    """Return what is wrong with a value of which a release says something."""
    asked = declared(uses(web={"KEY": use}))["KEY"]
    return [(fault.kind, fault.message) for fault in judge(asked, value, provided=provided)]


@pytest.mark.parametrize(
    ("value", "use", "kind", "message"),
    [
        (None, {}, Kind.MISSING, "has no value"),
        ("", {}, Kind.EMPTY, "has no value, only an empty one"),
        (" \n", {}, Kind.EMPTY, "has no value, only an empty one"),
        ("changeme", {}, Kind.PLACEHOLDER, "is a placeholder"),
        ("sk-...", {"minLength": 32}, Kind.PLACEHOLDER, "is a placeholder"),
        ("as shown", {"example": "as shown"}, Kind.PLACEHOLDER, "is a placeholder"),
        (STRONG, {"minLength": 17}, Kind.SHORT, "has 16 characters, and minLength asks for 17"),
        (STRONG, {"pattern": "[a-z]+"}, Kind.PATTERN, "does not match its pattern [a-z]+"),
        (f"{STRONG}\n", {"pattern": f"^{STRONG}$"}, Kind.PATTERN, f"does not match its pattern ^{STRONG}$"),
        ("a\0b", {}, Kind.UNUSABLE, "holds a zero character, and no environment variable can"),
        ("a\udc80b", {}, Kind.UNUSABLE, "is not UTF-8"),
        ("hunter2", {}, Kind.WEAK, "is easily guessed: short, or of few different characters"),
        ("ab" * 17, {}, Kind.WEAK, "is easily guessed: short, or of few different characters"),
    ],
)
def test_what_is_wrong_with_a_value_is_told(value: str | None, use: Said, kind: Kind, message: str) -> None:
    """The worst of it, in one sentence."""
    assert faults(value, **use) == [(kind, message)]


@pytest.mark.parametrize(
    ("value", "use"),
    [
        (STRONG, {}),
        (STRONG, {"minLength": 16, "pattern": "[A-Za-z0-9]{16}"}),
        (None, {"required": False}),
        (" ", {"required": False}),
        ("postgresql://db.internal/todo", {}),
        (f"postgresql://todo:{STRONG}@db/todo", {}),
        ("{{ fail }} \\ , = ' \" $HOME 007 true ü", {}),
        ("correct horse battery staple", {}),
    ],
)
def test_nothing_is_wrong_with_a_good_value(value: str | None, use: Said) -> None:
    """One that is not required may be absent; a URL without a password is no secret that could be guessed."""
    assert faults(value, **use) == []


def test_a_value_that_is_made_later_is_not_missed() -> None:
    """What is there all the same is judged."""
    assert faults(None, provided=True) == []
    assert faults("changeme", provided=True) == [(Kind.PLACEHOLDER, "is a placeholder")]


def test_an_optional_secret_that_is_there_is_judged() -> None:
    """A placeholder is one whether or not something is required."""
    assert [kind for kind, _ in faults("changeme", required=False)] == [Kind.PLACEHOLDER]


def test_a_value_that_no_program_could_be_started_with_is_too_large() -> None:
    """One byte less is not: name, equals sign and a final zero count."""
    most = STRONG * (LONGEST // 16)
    assert [kind for kind, _ in faults(most[: LONGEST - len("KEY=\0")])] == []
    ((kind, message),) = faults(most[: LONGEST - len("KEY=\0") + 1])
    assert kind is Kind.LARGE
    assert message.startswith(
        "makes a variable of 131,073 bytes; no program can be started with one of more than 131,072"
    )
    assert [kind for kind, _ in faults("x" * (MAX_BYTES + 1))] == [Kind.LARGE]


def test_all_values_of_a_release_must_fit_into_its_secret() -> None:
    """Each release has its own."""
    names = [f"KEY_{at}" for at in range(9)]
    asked = declared(uses(web={name: {} for name in names}, api={"KEY_0": {}}))
    found = judge_all(asked, dict.fromkeys(names, STRONG * 8000))
    assert [(fault.kind, fault.releases, fault.stops) for fault in found] == [(Kind.LARGE, ("web",), True)]
    assert judge_all(asked, dict.fromkeys(names, STRONG * 7000)) == ()


def test_only_a_weak_value_stops_nothing() -> None:
    """It works, for whoever guesses it too."""
    asked = declared(uses(web={"A": {}, "B": {}}))
    assert [(fault.secret, fault.stops) for fault in judge_all(asked, {"A": "hunter2"})] == [("A", False), ("B", True)]


@given(value=st.text(min_size=5), length=st.integers(1, 200))
def test_no_sentence_holds_a_value(value: str, length: int) -> None:
    """Whatever it is and whatever is asked of it."""
    asked = declared(uses(web={"KEY": {"minLength": length, "pattern": "[a-z]{3}"}}))
    known = "has no value, only an empty one 0123456789 characters, and minLength asks for does not match its pattern"
    told = " ".join(fault.message for fault in judge_all(asked, {"KEY": value}))
    assert value not in told or value in f"{known} [a-z]{{3}} is easily guessed a placeholder environment variable"


def test_a_pattern_that_is_no_expression_says_why() -> None:
    """As the model's other rules do."""
    with pytest.raises(ValidationError) as caught:
        SecretUse.model_validate({"pattern": "(["})
    (line,) = caught.value.errors()
    assert isinstance(line["ctx"]["error"], RuleError)
    assert line["ctx"]["error"].what == "'([' is no regular expression"
