"""Helm charts."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from dockyard.model.chart import HelmChart, check_app_version
from dockyard.model.errors import RuleError
from dockyard.model.image import DockerImage

if TYPE_CHECKING:
    from collections.abc import Callable

EXAMPLE: dict[str, Any] = {
    "name": "ai-todo-backend",
    "version": "1.0.0",
    "appVersion": "latest",
    "description": "AI Todo FastAPI Backend with MCP integration",
    "dependencies": [],
    "values": {
        "replicaCount": 1,
        "image": {"repository": "ai-todo-backend", "tag": "latest"},
        "service": {"type": "NodePort", "port": 8000, "nodePort": 30081},
    },
    "templates": ["deployment.yaml", "service.yaml"],
}
"""The example of data-model.md, section 2, with its templates."""


def test_the_example_of_the_specification_is_a_chart() -> None:
    """It is read with all its attributes, and written as it was read."""
    chart = HelmChart.model_validate(EXAMPLE)
    assert chart.values["service"]["nodePort"] == 30081
    assert chart.templates == ("deployment.yaml", "service.yaml")
    assert chart.model_dump(mode="json") == EXAMPLE


@pytest.mark.parametrize(
    ("key", "value", "sentence"),
    [
        ("version", "1.0", "MAJOR.MINOR.PATCH"),
        ("version", "v1.0.0", "MAJOR.MINOR.PATCH"),
        ("version", 1.0, "Input should be a valid string"),
        ("appVersion", "", "is not a Docker tag"),
        ("appVersion", 1.0, "Input should be a valid string"),
        ("name", "ai todo", "is not a chart name"),
        ("templates", ["a.yaml", "a.yaml"], "The template 'a.yaml' stands there twice"),
        ("keywords", [], "Extra inputs are not permitted"),
    ],
)
def test_a_broken_rule_is_told_at_its_key(
    refusals: Callable[[type[HelmChart], object], dict[str, str]], key: str, value: object, sentence: str
) -> None:
    """Each rule of section 2 has its sentence, at the key of the specification."""
    found = refusals(HelmChart, EXAMPLE | {key: value})
    assert list(found) == [key]
    assert sentence in found[key]


def test_a_dependency_has_a_name() -> None:
    """A chart may bring others along."""
    chart = HelmChart.model_validate(EXAMPLE | {"dependencies": [{"name": "redis", "version": "^1.0.0"}]})
    assert chart.dependencies[0].name == "redis"


def test_values_are_not_shown() -> None:
    """A value may be a secret by mistake, so no repr has it."""
    assert "30081" not in repr(HelmChart.model_validate(EXAMPLE))


def test_values_cannot_be_changed() -> None:
    """The mapping is frozen."""
    with pytest.raises(TypeError):
        HelmChart.model_validate(EXAMPLE).values["replicaCount"] = 2  # type: ignore[index]  # that it fails is tested


def test_the_app_version_is_the_images_tag() -> None:
    """The same tag passes; another is named on both sides."""
    image = DockerImage(
        name="ai-todo-backend", tag="v1.0.0", base_image="scratch", build_context=".", dockerfile="Dockerfile"
    )
    check_app_version(HelmChart.model_validate(EXAMPLE | {"appVersion": "v1.0.0"}), image)
    with pytest.raises(RuleError, match=r"appVersion latest, its image ai-todo-backend:v1\.0\.0"):
        check_app_version(HelmChart.model_validate(EXAMPLE), image)
