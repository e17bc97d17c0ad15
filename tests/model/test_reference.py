"""Image references."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dockyard.model.errors import RuleError
from dockyard.model.reference import Reference, image_name, image_reference, parse_reference

DIGEST = f"sha256:{'ab' * 32}"

PARTS = {
    "python:3.13-slim": Reference("python", "3.13-slim"),
    "python": Reference("python"),
    "scratch": Reference("scratch"),
    "dockyard/debian:bookworm-slim": Reference("dockyard/debian", "bookworm-slim"),
    "registry.example.org/team/app:v1.0.0": Reference("team/app", "v1.0.0", "registry.example.org"),
    "localhost/app": Reference("app", "", "localhost"),
    "localhost:5000/a/b:tag": Reference("a/b", "tag", "localhost:5000"),
    "host:5000/app": Reference("app", "", "host:5000"),
    f"app@{DIGEST}": Reference("app", digest=DIGEST),
    f"ghcr.example/app:1@{DIGEST}": Reference("app", "1", "ghcr.example", DIGEST),
    "a__b/c.d/e--f": Reference("a__b/c.d/e--f"),
    "a" * 255: Reference("a" * 255),
}

NONE = ("", "App", "app:", ":1", "app:-x", "app@sha256:12", "a//b", "/a", "a/", "a b", "-a", "a_-b", "a" * 256, "app\n")

parts = st.from_regex(r"[a-z0-9]{1,5}(?:[._-][a-z0-9]{1,5})?", fullmatch=True)
references = st.builds(
    Reference,
    name=st.lists(parts, min_size=1, max_size=3).map("/".join).filter(lambda name: "." not in name.split("/")[0]),
    tag=st.just("") | st.from_regex(r"[A-Za-z0-9_][A-Za-z0-9_.-]{0,20}", fullmatch=True),
    registry=st.sampled_from(["", "localhost", "a.example", "host:5000", "a.example:80"]),
    digest=st.sampled_from(["", DIGEST]),
).filter(lambda reference: reference.name.split("/")[0] != "localhost")


@pytest.mark.parametrize(("text", "reference"), PARTS.items())
def test_a_reference_is_taken_apart_as_docker_does(text: str, reference: Reference) -> None:
    """A first part is a registry only with a dot, a port, or as localhost."""
    assert parse_reference(text) == reference
    assert image_reference(text) == str(reference) == text


@pytest.mark.parametrize("text", NONE)
def test_what_docker_would_not_take_is_refused(text: str) -> None:
    """The error shows how a reference is written."""
    with pytest.raises(RuleError, match="is not an image reference"):
        parse_reference(text)


@given(references)
def test_parts_and_text_are_the_same_reference(reference: Reference) -> None:
    """Put together and taken apart again, a reference keeps its parts."""
    assert parse_reference(str(reference)) == reference


@given(st.text(max_size=100))
def test_anything_is_a_reference_or_a_rule_error(text: str) -> None:
    """Whatever text comes, it reads as itself or is refused with a sentence."""
    try:
        assert str(parse_reference(text)) == text
    except RuleError as error:
        assert "is not an image reference" in error.what  # noqa: PT017 - most examples are refused, some are references


@pytest.mark.parametrize("text", ["", "App", "app:1", "a/", "a b", "a" * 256])
def test_a_name_has_no_tag_and_no_capitals(text: str) -> None:
    """An image's name is only the repository."""
    assert image_name("a" * 255) == "a" * 255
    with pytest.raises(RuleError, match="is not an image name"):
        image_name(text)
