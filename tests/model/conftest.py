"""What the model's tests share: hypothesis that repeats itself in CI, and errors as a mapping."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import settings
from pydantic import ValidationError

if TYPE_CHECKING:
    from collections.abc import Callable

    from dockyard.model.entity import Entity

# No deadline: on a busy machine one slow example says nothing about the code.
settings.register_profile("home", deadline=None)
# In CI the same examples every time: a red run is about the change, and can be repeated.
settings.register_profile("ci", deadline=None, derandomize=True)
settings.load_profile("ci" if os.environ.get("CI") else "home")

Refusals = dict[str, str]


@pytest.fixture
def refusals() -> Callable[[type[Entity], object], Refusals]:
    """Return what an entity refuses of a document: each sentence by the dotted path of its place."""

    def ask(entity: type[Entity], document: Any) -> Refusals:  # noqa: ANN401 - any document
        with pytest.raises(ValidationError) as caught:
            entity.model_validate(document)
        return {".".join(map(str, line["loc"])): line["msg"] for line in caught.value.errors()}

    return ask
