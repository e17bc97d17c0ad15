"""Tags and versions."""

from __future__ import annotations

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from dockyard.model.errors import RuleError
from dockyard.model.tag import content_tag, docker_tag, image_tag, is_docker_tag, is_semver, version

VERSIONS = ("0.0.0", "1.0.0", "10.20.30", "1.0.0-rc.1", "1.0.0-0a", "1.0.0--", "0.0.0-abcdef123456", "1.0.0-0.3.7")
NO_VERSIONS = (
    "",
    "1",
    "1.0",
    "01.0.0",
    "1.0.0-01",
    "1.0.0-",
    "1.0.0-a..b",
    "1.0.0 ",
    "1.0.0\n",
    "v1.0.0",
    "1.0.0-é",
    "1.٢.0",
    "0.0.0-012345678901",
)

digests = st.text("0123456789abcdef", min_size=64, max_size=64)
identifiers = st.from_regex(r"[1-9][0-9]{0,4}|[0-9]{0,4}[a-zA-Z-][0-9a-zA-Z-]{0,6}", fullmatch=True)
versions = st.builds(
    lambda numbers, pre: ".".join(map(str, numbers)) + (f"-{'.'.join(pre)}" if pre else ""),
    st.tuples(*[st.integers(0, 99999)] * 3),
    st.lists(identifiers, max_size=3),
)


@pytest.mark.parametrize("text", VERSIONS)
def test_semantic_versions_are_versions_and_tags(text: str) -> None:
    """A semantic version is accepted as a chart's version, and as a tag with or without `v`."""
    assert version(text) == image_tag(text) == docker_tag(text) == text
    assert image_tag(f"v{text}") == f"v{text}"


@pytest.mark.parametrize("text", NO_VERSIONS)
def test_other_texts_are_no_versions(text: str) -> None:
    """Anything else is refused, with the text and the rule."""
    assert not is_semver(text)
    with pytest.raises(RuleError, match=r"MAJOR\.MINOR\.PATCH") as caught:
        version(text)
    assert repr(text) in caught.value.what


@pytest.mark.parametrize("text", ["latest", "v1.0.0", "1.2.3-rc.1"])
def test_a_tag_is_latest_or_a_version(text: str) -> None:
    """The specification's two kinds of tags are accepted."""
    assert image_tag(text) == text


@pytest.mark.parametrize(
    "text", ["", "newest", "1.0", "V1.0.0", "vv1.0.0", "Latest", "1.0.0+build", "1.0.0-" + "a" * 123]
)
def test_other_tags_are_refused(text: str) -> None:
    """A tag that is neither is refused; so is a build number, which Docker does not take."""
    with pytest.raises(RuleError, match=r"`latest` or a semantic version .*section 1"):
        image_tag(text)


@pytest.mark.parametrize("text", ["", ".a", "-a", "a b", "a:b", "a" * 129, "é"])
def test_what_docker_does_not_take_is_no_docker_tag(text: str) -> None:
    """The rule of a Docker tag is Docker's own."""
    with pytest.raises(RuleError, match="is not a Docker tag"):
        docker_tag(text)


@given(versions)
def test_every_semantic_version_without_a_build_is_a_tag(text: str) -> None:
    """Whatever semver.org allows before '+' can be an image's tag."""
    assert is_semver(text)
    assert is_docker_tag(image_tag(text))


@given(digests)
def test_a_content_tag_is_a_semantic_version_and_a_docker_tag(digest: str) -> None:
    """Whatever the digest, its tag is valid for Helm and for Docker, and is a part of the digest."""
    assume(set(digest[:-11]) != {"0"})
    tag = content_tag(digest)
    assert is_semver(tag)
    assert is_docker_tag(tag)
    assert image_tag(tag) == tag
    assert tag.removeprefix("0.0.0-") in digest
    assert content_tag(f"sha256:{digest}") == tag


@given(st.integers(1, 52), st.text("123456789", min_size=64, max_size=64))
def test_zeros_at_the_start_are_passed_over(zeros: int, rest: str) -> None:
    """A digest of digits alone gives its first 12 that do not start with zero."""
    digest = ("0" * zeros + rest)[:64]
    assert content_tag(digest) == f"0.0.0-{digest[zeros : zeros + 12]}"


@pytest.mark.parametrize(
    ("digest", "tag"),
    [
        ("abcdef0123456789", "0.0.0-abcdef012345"),
        ("012345678901ffff", "0.0.0-123456789" + "01f"),
        ("00000000000a1234", "0.0.0-00000000000a"),
        ("123456789012", "0.0.0-123456789012"),
    ],
)
def test_a_content_tag_is_the_first_valid_part(digest: str, tag: str) -> None:
    """Only a pre-release of digits alone must not start with zero; a letter in it makes it valid."""
    assert content_tag(digest) == tag


@pytest.mark.parametrize("digest", ["", "abc", "ABCDEF012345", "sha256:", "abcdef01234g", "0" * 64, "md5:abcdef012345"])
def test_what_is_no_digest_gives_no_tag(digest: str) -> None:
    """A text that is no digest, or only zeros, is refused."""
    with pytest.raises(RuleError):
        content_tag(digest)
