"""Single values of YAML texts, read one after another."""

from __future__ import annotations

from time import monotonic
from typing import Any

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from dockyard.checks.values import Value, single_values


def read(text: str) -> list[tuple[str, str, str, int]]:
    """Return what is read of a text."""
    return [(value.path, value.name, value.text, value.line) for value in single_values(text)]


def test_each_value_has_its_keys_and_its_line() -> None:
    """Items of a list are called as the list is; what stands beside `name` as `value` is called by that name."""
    text = "a: 1\nb:\n  c: two\n  d:\n    - x\n    - e: y\nenv:\n  - name: TOKEN\n    value: abc\n"
    assert read(text) == [
        ("a", "a", "1", 1),
        ("b.c", "c", "two", 3),
        ("b.d[0]", "d", "x", 5),
        ("b.d[1].e", "e", "y", 6),
        ("env[0].name", "name", "TOKEN", 8),
        ("env[0].value", "TOKEN", "abc", 9),
    ]


@pytest.mark.parametrize(
    ("text", "values"),
    [
        ("", []),
        ("alone", [("", "", "alone", 1)]),
        ("a: 1\n---\na: 2\n", [("a", "a", "1", 1), ("a", "a", "2", 3)]),
        ("a: &x 1\nb: *x\nc: 3\n", [("a", "a", "1", 1), ("c", "c", "3", 3)]),
        ("? [k1, k2]\n: 1\n? {k3: 2}\n: 3\n*x : 4", [("", "", "k1", 1)]),
        ("a: !!python/object/apply:os.system [ls]\n", [("a[0]", "a", "ls", 1)]),
        ("a: 1\nb: [\n", [("a", "a", "1", 1)]),
        ("a: 1\n\tb: 2\n", []),
    ],
)
def test_strange_texts_are_read_as_far_as_they_are_yaml(text: str, values: list[tuple[str, str, str, int]]) -> None:
    """Tags do nothing, aliases are not followed, keys may be anything, and behind a mistake there is nothing."""
    assert read(text)[: len(values) or None] == values


@pytest.mark.parametrize(
    "text",
    [
        "[" * 100_000,
        "- " * 20_000 + "x",
        "a: &a [x, x]\n"
        + "".join(f"{chr(98 + at)}: &{chr(98 + at)} [*{chr(97 + at)}, *{chr(97 + at)}]\n" for at in range(24)),
        "a: " + "x" * 2_000_000,
        "".join(f"k{at}: v\n" for at in range(50_000)),
    ],
    ids=["brackets", "dashes", "aliases", "long", "many"],
)
def test_a_hostile_text_costs_little(text: str) -> None:
    """Neither depth, nor aliases of aliases, nor size make it slow, and nothing is raised."""
    start = monotonic()
    for _ in single_values(text):
        pass
    assert monotonic() - start < 10


DOCUMENTS = st.recursive(
    st.text("ab1:#' \n", max_size=6) | st.integers() | st.booleans() | st.none(),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.text("xyz", min_size=1, max_size=2), inner, max_size=3)
    ),
    max_leaves=12,
)


def _texts(document: Any, path: str = "") -> list[tuple[str, object]]:  # noqa: ANN401 - any document
    if isinstance(document, dict):
        return [found for key, value in document.items() for found in _texts(value, f"{path}.{key}".lstrip("."))]
    if isinstance(document, list):
        return [found for at, value in enumerate(document) for found in _texts(value, f"{path}[{at}]")]
    return [(path, document)]


@given(st.dictionaries(st.text("xyz", min_size=1, max_size=2), DOCUMENTS, max_size=3))
def test_every_value_of_a_document_is_read_once(document: dict[str, Any]) -> None:
    """Paths and values are those of the document, in its order."""
    expected = _texts(document)
    found = list(single_values(yaml.safe_dump(document, sort_keys=False)))
    assert [value.path for value in found] == [path for path, _ in expected]
    for value, (_, content) in zip(found, expected, strict=True):
        assert not isinstance(content, str) or value.text == content


def test_a_value_is_in_no_repr() -> None:
    """It may be a secret."""
    assert "hunter2" not in repr(Value("a.b", "b", "hunter2", 3))
