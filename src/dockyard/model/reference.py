"""Image references, as Docker's grammar has them: ``[host[:port]/]name[:tag][@digest]``."""

import re
from dataclasses import dataclass
from typing import Annotated

from dockyard.model.errors import RuleError
from dockyard.model.rule import Rule
from dockyard.model.tag import DOCKER_TAG

LONGEST_NAME = 255

_PART = r"[a-z0-9]+(?:(?:\.|_|__|-+)[a-z0-9]+)*"
NAME = rf"{_PART}(?:/{_PART})*"
HOST = r"(?:localhost|[A-Za-z0-9-]+(?:\.[A-Za-z0-9-]+)+|[A-Za-z0-9-]+(?=:))(?::\d{1,5})?"
"""A first part is a host only with a dot or a port in it, or as `localhost`."""

_REFERENCE = re.compile(
    rf"(?:(?P<registry>{HOST})/)?(?P<name>{NAME})(?::(?P<tag>{DOCKER_TAG}))?(?:@(?P<digest>sha256:[0-9a-f]{{64}}))?",
    re.ASCII,
)


@dataclass(frozen=True, slots=True)
class Reference:
    """An image reference in its parts; parts that are not there are empty.

    Attributes:
        name: The repository, without the registry.
        tag: The tag.
        registry: Host, with its port where it has one.
        digest: `sha256:...`.
    """

    name: str
    tag: str = ""
    registry: str = ""
    digest: str = ""

    def __str__(self) -> str:
        """Return it as Docker takes it."""
        return "".join(
            (
                f"{self.registry}/" if self.registry else "",
                self.name,
                f":{self.tag}" if self.tag else "",
                f"@{self.digest}" if self.digest else "",
            )
        )


def parse_reference(text: str) -> Reference:
    """Take an image reference apart.

    Raises:
        RuleError: Docker would not accept it.
    """
    match = _REFERENCE.fullmatch(text) if len(text) <= 2 * LONGEST_NAME else None
    if match is None or len(match["name"]) > LONGEST_NAME:
        raise RuleError(
            f"{text[:LONGEST_NAME]!r} is not an image reference",
            why="It is written [HOST/]NAME[:TAG][@DIGEST], the name in lower case (Docker documentation, "
            "`docker image tag`)",
        )
    return Reference(match["name"], match["tag"] or "", match["registry"] or "", match["digest"] or "")


def image_reference(text: str) -> str:
    """Return an image reference as it stands.

    Raises:
        RuleError: Docker would not accept it.
    """
    parse_reference(text)
    return text


def image_name(text: str) -> str:
    """Return an image's name, without registry, tag and digest.

    Raises:
        RuleError: It is not lower case, or has characters that a name has not.
    """
    if len(text) > LONGEST_NAME or re.fullmatch(NAME, text, re.ASCII) is None:
        raise RuleError(
            f"{text[:LONGEST_NAME]!r} is not an image name",
            why="It has lower-case letters and digits with '.', '_', '-' or '/' between them, and no tag "
            "(Docker documentation, `docker image tag`)",
        )
    return text


ImageReference = Annotated[str, Rule(image_reference, {"minLength": 1})]
ImageName = Annotated[str, Rule(image_name, {"pattern": f"^{NAME}$", "maxLength": LONGEST_NAME})]
