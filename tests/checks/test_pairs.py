"""Every check has a project that it finds fault with, and passes the sound one."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dockyard.charts.manifests import Manifests, ObjectName
from dockyard.checks.catalogue import every_check, run_checks
from tests.checks.examples import BAD, SOUND, release, subject, whole
from tests.checks.samples import find


def test_every_check_has_its_pair() -> None:
    """A new check without a failing example fails here; the sound project is the passing one of all."""
    assert sorted(BAD) == list(every_check())


def test_the_sound_project_has_no_findings() -> None:
    """No check finds fault with it."""
    assert run_checks(subject(), without={}) == ()


@pytest.mark.parametrize("id_", BAD)
def test_a_check_finds_what_it_looks_for(id_: str) -> None:
    """Its finding has its id and severity, a place and a sentence that starts in lower case and has no full stop."""
    (found, *_) = find(id_, BAD[id_]())
    assert (found.check, found.severity) == (id_, every_check()[id_].severity)
    assert found.place.file
    assert found.message
    assert not found.message.endswith(".")


ANYTHING = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-1, 70000)
    | st.floats()
    | st.sampled_from(["", "web", "http", "8000", "x"]),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(["name", "port", "a"]), inner, max_size=3)
    ),
    max_leaves=5,
)
OBJECTS = Manifests.parse(SOUND).objects


def places(value: object) -> list[tuple[str | int, ...]]:
    """Return the keys that lead to every value below."""
    entries = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    return [path for key, inner in entries for path in ((key,), *((key, *rest) for rest in places(inner)))]


def put(value: Any, path: tuple[str | int, ...], new: object) -> Any:  # noqa: ANN401 - JSON
    """Return a copy with another value at a place."""
    if not path:
        return new
    first, *rest = path
    if isinstance(value, dict):
        return {key: put(inner, tuple(rest), new) if key == first else inner for key, inner in value.items()}
    assert isinstance(value, list)
    return [put(inner, tuple(rest), new) if at == first else inner for at, inner in enumerate(value)]


SPOTS = [(name, path) for name, content in OBJECTS.items() for path in places(content) if path[0] != "kind"]


@settings(deadline=None)
@given(st.sampled_from(SPOTS), ANYTHING)
def test_no_check_stumbles_over_any_object(spot: tuple[ObjectName, tuple[str | int, ...]], value: object) -> None:
    """Whatever stands anywhere in a rendered object, each check ends, with findings or without."""
    name, path = spot
    objects = {**OBJECTS, name: put(OBJECTS[name], path, value)}
    broken = release(manifests=Manifests(objects), repeated=Manifests(OBJECTS))
    assert isinstance(run_checks(whole(broken), without={}), tuple)
