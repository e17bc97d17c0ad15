"""What an image needs, by what is known of it."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from dockyard.images.plan import UNKNOWN, ImageAction, ImageSeen, changed_files, check_size, plan_image, tag_for
from dockyard.model.errors import BuildError, RefusedError
from dockyard.model.project import ImageSpec
from dockyard.tools.docker import FINGERPRINT, ImageFacts

SOURCES = "0123456789ab" * 5 + "cdef"
TAG = "0.0.0-0123456789ab"


def held(sources: str = SOURCES) -> ImageFacts:
    """Return an image of the engine that was made from sources."""
    return ImageFacts("sha256:1", (f"web:{TAG}",), 1, (), {FINGERPRINT: sources} if sources else {})


def plan(**facts: Any) -> ImageAction:  # noqa: ANN401 - any field of it
    """Decide about an image; nothing has it but for these facts."""
    return plan_image(ImageSeen(**{"name": "web", "tag": TAG, "sources": SOURCES, **facts}))


def what(action: ImageAction) -> tuple[bool, bool, str]:
    """Return whether it is built, whether it is loaded, and why."""
    return action.build, action.load, action.reason


def test_latest_follows_the_sources() -> None:
    """Each content has a tag of its own; a version is the tag that was given."""
    spec = {"baseImage": "python:3.13-slim", "buildContext": "web", "dockerfile": "web/Dockerfile"}
    assert tag_for(ImageSpec.model_validate(spec | {"tag": "latest"}), SOURCES) == TAG
    assert tag_for(ImageSpec.model_validate(spec | {"tag": "v1.2.3"}), SOURCES) == "v1.2.3"


CASES: dict[str, tuple[dict[str, Any], tuple[bool, bool, str]]] = {
    "nowhere": ({}, (True, True, "no image of these sources is there")),
    "everywhere": ({"host": held(), "node": "sha256:1"}, (False, False, "unchanged")),
    "only in the engine": ({"host": held()}, (False, True, "not in the node")),
    "only in the node": ({"node": "sha256:9"}, (False, False, "unchanged, in the node")),
    "only in the node, and built before that was known": (
        {"node": "sha256:9", "build_first": True},
        (True, True, "no image of these sources is there"),
    ),
    "another one in the node": (
        {"host": held(), "node": "sha256:9"},
        (False, True, "the node has another image of that tag"),
    ),
    "in the engine, nobody asked the node": (
        {"host": held(), "node_known": False},
        (False, True, "built already; the node was not asked"),
    ),
    "the engine knows it by its manifest": (
        {"host": replace(held(), by_manifest=True), "node": "sha256:9"},
        (False, False, "unchanged"),
    ),
    "so it does, and the node has none": (
        {"host": replace(held(), by_manifest=True)},
        (False, True, "not in the node"),
    ),
    "so it does, under a release's tag": (
        {"host": replace(held(), by_manifest=True), "node": "sha256:9", "tag": "v1.0.0"},
        (False, True, "the node has another image of that tag"),
    ),
    "its base is not there": ({"sources": UNKNOWN}, (True, True, "its base image is not in the engine yet")),
    "only in the node, under a release's tag": (
        {"tag": "v1.0.0", "node": "sha256:9"},
        (True, True, "no image of these sources is there"),
    ),
}


@pytest.mark.parametrize(("facts", "expected"), CASES.values(), ids=CASES)
def test_an_image_is_built_and_loaded_where_it_must(facts: dict[str, Any], expected: tuple[bool, bool, str]) -> None:
    """Neither is done twice; a content tag says what is in it, a release's tag does not."""
    action = plan(**facts)
    assert what(action) == expected
    assert action.reference == f"web:{facts.get('tag', TAG)}"


@pytest.mark.parametrize("sources", ["b", ""], ids=["other sources", "no label"])
def test_a_release_never_changes(sources: str) -> None:
    """Its tag is refused to other sources, with exit code 4, and to an image that is not known to be ours."""
    with pytest.raises(RefusedError, match=r"web:v1\.0\.0 is there already.*Raise `tag`") as caught:
        plan(tag="v1.0.0", host=held(sources))
    assert caught.value.exit_code == 4


@pytest.mark.parametrize(
    ("before", "now", "reason"),
    [
        (None, {"a": "1"}, "no image of these sources is there"),
        ({"a": "1"}, {"a": "1"}, "its Dockerfile, a build argument or its base image changed"),
        ({"a": "1"}, {"a": "2"}, "1 file changed: a"),
        ({"a": "1"}, {"b": "1"}, "2 files changed: a, b"),
        ({}, dict.fromkeys("abc", "1"), "3 files changed: a, b, c"),
        (dict.fromkeys("edcba", "1"), {}, "5 files changed: a, b, c and 2 more"),
    ],
    ids=["first", "no file", "changed", "renamed", "three", "many"],
)
def test_the_reason_names_what_changed(before: dict[str, str] | None, now: dict[str, str], reason: str) -> None:
    """Changed, new and gone; three names, then a number."""
    assert changed_files(before, now) == reason
    assert plan(built=before, files=now).reason == reason


@pytest.mark.parametrize(("size", "fits"), [(249_999_999, True), (250_000_000, False)])
def test_images_have_a_limit(size: int, *, fits: bool) -> None:
    """Less than 250 MB of 1,000,000 bytes (SC-006); that much is too much."""
    if fits:
        check_size("web:1", size)
    else:
        with pytest.raises(BuildError, match=r"web:1 has 250 MB.*less than 250 MB"):
            check_size("web:1", size)


@pytest.mark.parametrize("node", ["", "sha256:1"])
def test_an_image_that_is_too_large_stays_too_large(node: str) -> None:
    """Running again does not make it fit: it is refused when it was built, and whenever it is found."""
    with pytest.raises(BuildError, match="SC-006"):
        plan(host=replace(held(), size=250_000_000), node=node)
