"""What all entities share."""

from __future__ import annotations

import pytest
from pydantic import ValidationError

from dockyard.model.chart import HelmChart
from dockyard.model.configuration import ConfigMapSpec, SecretSpec
from dockyard.model.deployment import DeploymentSpec
from dockyard.model.entity import Entity
from dockyard.model.project import ImageSpec, Project, ReleaseSpec

LEAST: dict[tuple[type[Entity], str], dict[str, object]] = {
    (HelmChart, "values"): {"name": "a", "version": "1.0.0", "appVersion": "latest"},
    (ConfigMapSpec, "data"): {"name": "a"},
    (SecretSpec, "data"): {"name": "a"},
    (DeploymentSpec, "labels"): {"name": "a", "image": "b"},
    (ImageSpec, "build_arguments"): {"baseImage": "a", "buildContext": ".", "dockerfile": "d"},
    (ReleaseSpec, "config"): {"chart": "c"},
    (ReleaseSpec, "secrets"): {"chart": "c"},
    (Project, "images"): {"name": "a"},
    (Project, "releases"): {"name": "a"},
}
"""Every mapping of the model, with the least document that leaves it out."""


class Pair(Entity):
    """An entity for these tests.

    Attributes:
        left_hand: A number.
        right_hand: Another.
    """

    left_hand: int
    right_hand: int = 0


@pytest.mark.parametrize(("entity", "field"), LEAST)
def test_a_mapping_that_is_left_out_is_frozen_too(entity: type[Entity], field: str) -> None:
    """A default is as unchangeable as what was given."""
    mapping = getattr(entity.model_validate(LEAST[entity, field]), field)
    assert mapping == {}
    with pytest.raises(TypeError, match="does not support item assignment"):
        mapping["a"] = "b"


def test_keys_are_camel_case_outside_and_snake_case_inside() -> None:
    """Both are read; the specification's are written."""
    assert Pair.model_validate({"leftHand": 1}) == Pair(left_hand=1)
    assert Pair(left_hand=1).model_dump() == {"leftHand": 1, "rightHand": 0}


def test_an_error_shows_no_value() -> None:
    """The text of an error may reach a log, and a value may be a secret."""
    with pytest.raises(ValidationError) as caught:
        Pair.model_validate({"leftHand": "hunter2", "third": "hunter2"})
    assert "hunter2" not in str(caught.value)
    assert caught.value.error_count() == 2
