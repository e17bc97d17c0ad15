"""Docker images."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from pydantic import ValidationError

from dockyard.model.image import DockerImage

if TYPE_CHECKING:
    from collections.abc import Callable

EXAMPLE: dict[str, Any] = {
    "name": "ai-todo-backend",
    "tag": "latest",
    "registry": "minikube.local",
    "size": "180MB",
    "baseImage": "python:3.13-slim",
    "exposedPorts": [8000],
    "buildContext": "./backend",
    "dockerfile": "dockerfiles/backend.Dockerfile",
}
"""The example of data-model.md, section 1."""


def image(**changes: object) -> DockerImage:
    """Return the example with other values."""
    return DockerImage.model_validate(EXAMPLE | changes)


def test_the_example_of_the_specification_is_an_image() -> None:
    """It is read with all its attributes, and its size is a number."""
    read = image()
    assert (read.name, read.tag, read.registry, read.base_image) == (
        "ai-todo-backend",
        "latest",
        "minikube.local",
        "python:3.13-slim",
    )
    assert (read.size, read.exposed_ports) == (180_000_000, (8000,))
    assert (read.build_context, read.dockerfile) == ("./backend", "dockerfiles/backend.Dockerfile")
    assert DockerImage.model_validate_json(read.model_dump_json()) == read


@pytest.mark.parametrize(
    ("key", "value", "sentence"),
    [
        ("size", "250MB", "The image has 250MB. It must have less than 250MB (data-model.md, section 1; SC-006)."),
        ("size", "1.2GB", "The image has 1200MB."),
        ("size", "big", "'big' is not an image size."),
        ("tag", "1.0", "'1.0' is not an image tag."),
        ("name", "Backend", "'Backend' is not an image name."),
        ("baseImage", "python:", "'python:' is not an image reference."),
        ("exposedPorts", [8000, 8000], "The port 8000 stands there twice."),
        ("buildContext", "/src", "'/src' is not a path of the project."),
        ("dockerfile", "", "'' is not a path of the project."),
        ("registry", "a b", "String should match pattern"),
        ("colour", "blue", "Extra inputs are not permitted"),
    ],
)
def test_a_broken_rule_is_told_at_its_key(
    refusals: Callable[[type[DockerImage], object], dict[str, str]], key: str, value: object, sentence: str
) -> None:
    """Each rule of section 1 has its sentence, at the key of the specification."""
    found = refusals(DockerImage, EXAMPLE | {key: value})
    assert list(found) == [key]
    assert sentence in found[key]


@pytest.mark.parametrize("port", [0, 65536, -1])
def test_a_port_has_sixteen_bits(refusals: Callable[[type[DockerImage], object], dict[str, str]], port: int) -> None:
    """A number that is no port is named with the bounds, at its place in the list."""
    assert refusals(DockerImage, EXAMPLE | {"exposedPorts": [8000, port]}) == {
        "exposedPorts.1": f"Value error, {port} is not a port. It must be 1 to 65535 (RFC 6335, section 6)."
    }


@pytest.mark.parametrize("port", ["8000", 8000.0, True])
def test_a_port_is_a_number(refusals: Callable[[type[DockerImage], object], dict[str, str]], port: object) -> None:
    """Text, fractions and booleans are not taken for one."""
    assert "exposedPorts.0" in refusals(DockerImage, EXAMPLE | {"exposedPorts": [port]})


def test_one_byte_less_than_the_limit_is_allowed() -> None:
    """The limit itself is refused, what is below is not."""
    assert image(size="249.999999MB").size == 249_999_999


def test_an_image_cannot_be_changed() -> None:
    """Values are frozen."""
    with pytest.raises(ValidationError, match="frozen"):
        image().tag = "v1.0.0"  # type: ignore[misc]  # that it fails is what is tested


def test_a_reference_has_the_registry_only_where_there_is_one() -> None:
    """The node's own store is nothing to pull from."""
    assert image().reference == "ai-todo-backend:latest"
    assert image(registry="registry.example.org:5000").reference == "registry.example.org:5000/ai-todo-backend:latest"
