"""Image tags and chart versions: semantic versions (semver.org 2.0.0), and what Docker takes as a tag."""

import re
from typing import Annotated

from dockyard.model.errors import RuleError
from dockyard.model.rule import Rule

LATEST = "latest"
"""In dockyard.yaml: follow the sources (requirements.md, decision 2). It is never deployed as it stands."""

HEX_DIGITS = 12
"""Hexadecimal digits of a content tag."""

_IDENTIFIER = r"(?:0|[1-9]\d*|\d*[a-zA-Z-][0-9a-zA-Z-]*)"
SEMVER = (
    r"(?:0|[1-9]\d*)\.(?:0|[1-9]\d*)\.(?:0|[1-9]\d*)"
    rf"(?:-{_IDENTIFIER}(?:\.{_IDENTIFIER})*)?"
    r"(?:\+[0-9a-zA-Z-]+(?:\.[0-9a-zA-Z-]+)*)?"
)
"""The pattern that semver.org gives."""

DOCKER_TAG = r"[A-Za-z0-9_][A-Za-z0-9_.-]{0,127}"
"""The pattern of Docker's reference grammar."""

LONGEST_VERSION = 128


def is_semver(text: str) -> bool:
    """Tell whether a text is a semantic version, without a leading `v`."""
    return len(text) <= LONGEST_VERSION and re.fullmatch(SEMVER, text, re.ASCII) is not None


def is_docker_tag(text: str) -> bool:
    """Tell whether Docker accepts a text as a tag."""
    return re.fullmatch(DOCKER_TAG, text, re.ASCII) is not None


def image_tag(text: str) -> str:
    """Return an image's tag: `latest`, or a semantic version with or without a leading `v`.

    Raises:
        RuleError: It is neither, or Docker would not take it ('+' of a build number is what it refuses).
    """
    if text == LATEST or (is_semver(text.removeprefix("v")) and is_docker_tag(text)):
        return text
    raise RuleError(
        f"{text[:LONGEST_VERSION]!r} is not an image tag",
        why="A tag is `latest` or a semantic version without '+', like v1.0.0 (data-model.md, section 1)",
    )


def docker_tag(text: str) -> str:
    """Return a tag that Docker accepts, whatever it says.

    Raises:
        RuleError: Docker does not accept it.
    """
    if not is_docker_tag(text):
        raise RuleError(
            f"{text[:LONGEST_VERSION]!r} is not a Docker tag",
            why="A tag has up to 128 letters, digits, '_', '.' and '-', and starts with none of the last two "
            "(Docker documentation, `docker image tag`)",
        )
    return text


def version(text: str) -> str:
    """Return a semantic version.

    Raises:
        RuleError: It is none.
    """
    if not is_semver(text):
        raise RuleError(
            f"{text[:LONGEST_VERSION]!r} is not a semantic version",
            why="It is MAJOR.MINOR.PATCH, like 1.0.0 (data-model.md, section 2; semver.org 2.0.0)",
        )
    return text


def content_tag(digest: str) -> str:
    """Return the tag of an image that is made from sources with this digest: ``0.0.0-<12 hexadecimal digits>``.

    It must be a semantic version, and a pre-release of digits alone must not start with 0 there. So it takes the first
    12 digits in a row that make a valid one; the same digest always gives the same tag.

    Args:
        digest: A digest in lower-case hexadecimal digits, with `sha256:` before it or not.

    Raises:
        RuleError: It is no such digest, or every part of it is zeros.
    """
    digits = digest.removeprefix("sha256:")
    if re.fullmatch(rf"[0-9a-f]{{{HEX_DIGITS},}}", digits, re.ASCII) is None:
        raise RuleError(
            f"{digest[:LONGEST_VERSION]!r} is not a digest",
            why=f"It has at least {HEX_DIGITS} lower-case hexadecimal digits (requirements.md, decision 2)",
        )
    for start in range(len(digits) - HEX_DIGITS + 1):
        tag = f"0.0.0-{digits[start : start + HEX_DIGITS]}"
        if is_semver(tag):
            return tag
    raise RuleError(f"{digest!r} gives no semantic version", why="It has no 12 digits that do not start with zero")


ImageTag = Annotated[str, Rule(image_tag, {"pattern": rf"^(latest|v?{SEMVER})$", "maxLength": LONGEST_VERSION})]
DockerTag = Annotated[str, Rule(docker_tag, {"pattern": f"^{DOCKER_TAG}$"})]
Version = Annotated[str, Rule(version, {"pattern": f"^{SEMVER}$", "maxLength": LONGEST_VERSION})]
