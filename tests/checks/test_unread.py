"""Keys of values that no template seems to read."""

from __future__ import annotations

from typing import Any

import pytest

from dockyard.checks.unread import suspects, without

CASES: dict[str, tuple[dict[str, Any], list[str], set[str]]] = {
    "a key that is read": ({"a": 1}, ["{{ .Values.a }}"], set()),
    "a key that is not": ({"b": 1}, ["{{ .Values.a }}"], {"b"}),
    "a longer name": ({"a": 1}, ["{{ .Values.ab }}"], {"a"}),
    "a key below": ({"a": {"b": 1, "c": 2}}, ["{{ .Values.a.b }}"], {"a.c"}),
    "a mapping that nothing reads": ({"a": {"b": 1}}, [""], {"a"}),
    "a mapping that is read as a whole": ({"a": {"b": 1}}, ["{{ range $.Values.a }}"], set()),
    "a value where keys are read": ({"a": 1}, ["{{ .Values.a.b }}"], set()),
    "all values at once": ({"a": 1}, ["{{ toYaml .Values }}"], set()),
    "values by index": ({"a": 1}, ['{{ index .Values "a" }}'], set()),
    "read in another template": ({"a": 1}, ["", "{{- with .Values.a -}}"], set()),
    "shared values": ({"global": {"a": 1}}, [""], set()),
    "values of a dependency": ({"db": {"a": 1}}, [""], set()),
    "nothing": ({}, [], set()),
}


@pytest.mark.parametrize(("values", "templates", "expected"), CASES.values(), ids=CASES)
def test_suspects(values: dict[str, Any], templates: list[str], expected: set[str]) -> None:
    """Each as far up as nothing below it is read."""
    assert {".".join(key) for key in suspects(values, templates, elsewhere={"db"})} == expected


def test_values_without_keys() -> None:
    """At any depth; what is given stays as it was."""
    values = {"a": {"b": 1, "c": {"d": 2, "e": 3}}, "f": 4}
    assert without(values, [("a", "b"), ("a", "c", "e"), ("f",)]) == {"a": {"c": {"d": 2}}}
    assert without(values, []) == values
    assert values["f"] == 4
