"""Diffs of Kubernetes objects."""

from __future__ import annotations

import base64
import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dockyard.charts.manifests import ObjectName
from dockyard.ui.diff import diff_lines, print_diff
from dockyard.ui.screen import Screen
from tests.fakes import FakeClock

API = ObjectName("Deployment", "api")
KEYS = ObjectName("Secret", "keys")


def deployment(tag: str = "1", *, checksum: str = "aaaa", arguments: tuple[str, ...] = ()) -> dict[str, Any]:
    """Return a Deployment."""
    container = {"name": "app", "image": f"api:{tag}", "args": list(arguments), "ports": [{"containerPort": 80}]}
    return {
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": {"name": "api"},
        "spec": {
            "replicas": 1,
            "template": {
                "metadata": {"annotations": {"checksum/secret": checksum}, "labels": {"app": "api"}},
                "spec": {"containers": [container]},
            },
        },
    }


def secret(**values: str) -> dict[str, Any]:
    """Return a Secret with base64 values."""
    data = {name: base64.b64encode(value.encode()).decode() for name, value in values.items()}
    return {"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "keys"}, "data": data}


def shown(before: dict[Any, Any] | None, after: dict[Any, Any] | None, *, context: int = 1) -> list[str]:
    """Return a diff's lines, without styles."""
    return [line for _, line in diff_lines(before, after, context=context)]


def test_a_change_is_shown_with_what_stands_around_it() -> None:
    """And with the keys that it stands below, since YAML's own are far above."""
    assert shown({API: deployment("1")}, {API: deployment("2")}) == [
        "~ deployment/api: changed",
        "    # spec.template.spec.containers",
        "          - args: []",
        "-           image: api:1",
        "+           image: api:2",
        "            name: app",
    ]


def test_styles_are_those_of_a_diff() -> None:
    """Green comes, red goes, what stays has none."""
    styles = {line[0]: style for style, line in diff_lines({API: deployment("1")}, {API: deployment("2")}, context=1)}
    assert (styles["~"], styles["-"], styles["+"]) == ("bold", "red", "green")


def test_objects_come_and_go_whole() -> None:
    """In the order of their names, whatever order they are given in; equal ones are left out."""
    config = {"kind": "ConfigMap", "metadata": {"name": "a"}, "data": {"b": "first\nsecond\n", "a": "1"}}
    lines = shown({API: deployment(), "gone": {"kind": "X"}}, {"configmap/a": config, API: deployment()})
    assert lines == [
        "+ configmap/a: new",
        "+   data:",
        "+     a: '1'",
        "+     b: |",
        "+       first",
        "+       second",
        "+   kind: ConfigMap",
        "+   metadata:",
        "+     name: a",
        "- gone: removed",
        "-   kind: X",
    ]
    assert shown(None, None) == shown({API: deployment()}, {API: deployment()}) == []
    assert [line for line in shown({API: deployment()}, None) if not line.startswith("-")] == []


def test_a_secret_shows_that_a_value_changes_and_nothing_of_it() -> None:
    """Which key, new or gone, and no more."""
    before = {KEYS: secret(same="unchanged", other="before-value", gone="gone-value")}
    after = {KEYS: secret(same="unchanged", other="after-value", new="new-value")}
    assert shown(before, after, context=9)[:8] == [
        "~ secret/keys: changed",
        "    apiVersion: v1",
        "    data:",
        "-     gone: '***'",
        "-     other: '***'",
        "+     new: '***'",
        "+     other: '*** (changed)'",
        "      same: '***'",
    ]


def test_a_checksum_shows_that_it_changes() -> None:
    """Its digits would let a short secret be guessed."""
    lines = shown({API: deployment(checksum="aaaa1111")}, {API: deployment(checksum="bbbb2222")}, context=0)
    assert lines[2:] == ["-           checksum/secret: '***'", "+           checksum/secret: '*** (changed)'"]


def test_a_secret_s_value_is_hidden_wherever_it_stands() -> None:
    """In an argument of a container, say; that something changes is told all the same."""
    before = {KEYS: secret(a="before-value"), API: deployment(arguments=("--key=before-value",))}
    after = {KEYS: secret(a="after-value"), API: deployment(arguments=("--key=after-value",))}
    lines = shown(before, after)
    assert lines[:2] == ["~ deployment/api: changed", "    only in what is not shown: a value *** differs"]
    assert not any("value" in line.replace("a value", "") for line in lines)


def test_kubectl_s_copy_of_an_object_is_left_out() -> None:
    """It says everything twice, secrets among it."""
    applied = {"kubectl.kubernetes.io/last-applied-configuration": json.dumps(secret(a="x"))}
    before = {**secret(a="x"), "metadata": {"name": "keys", "annotations": applied}}
    assert "last-applied" not in "\n".join(shown({KEYS: before}, {KEYS: secret(a="y")}, context=9))


def test_text_moves_no_terminal() -> None:
    """Escape sequences in values and names are no more than text."""
    lines = shown(None, {"configmap/\x1b[2J": {"kind": "ConfigMap", "data": {"a\x1b[31m": "b\x1b[0m"}}})
    assert not any("\x1b" in line for line in lines)


VALUES = st.text(min_size=1, max_size=40).map(lambda text: f"zq7{text}7qz")
SECRETS = st.dictionaries(st.sampled_from("abc"), VALUES, max_size=3)


@settings(deadline=None)  # a busy machine says nothing about the code
@given(before=SECRETS, after=SECRETS, plain=SECRETS, elsewhere=st.booleans(), gone=st.sampled_from(["", "old", "new"]))
def test_no_secret_value_is_ever_shown(
    *, before: dict[str, str], after: dict[str, str], plain: dict[str, str], elsewhere: bool, gone: str
) -> None:
    """Whatever it is, in either form, on either side, in its Secret or copied elsewhere: not one line of it."""

    def side(values: dict[str, str]) -> dict[Any, Any]:
        given = {**secret(**values), "stringData": plain}
        copied = (*values.values(), *plain.values()) if elsewhere else ()
        given["metadata"] = {"name": "keys", "annotations": {"copy": json.dumps(given), "own": "".join(copied)}}
        return {KEYS: given, API: deployment(arguments=copied)}

    text = "\n".join(shown(None if gone == "old" else side(before), None if gone == "new" else side(after), context=99))
    for value in (*before.values(), *after.values(), *plain.values()):
        assert "zq7" not in text
        assert base64.b64encode(value.encode()).decode() not in text


@pytest.mark.parametrize(
    "damaged", [{"kind": "Secret", "data": None}, {"kind": "Secret", "data": "zq7"}, {"metadata": 3}]
)
def test_what_is_no_object_is_shown_without_harm(damaged: dict[str, Any]) -> None:
    """A chart may render anything."""
    assert "zq7" not in "\n".join(shown({KEYS: damaged}, {KEYS: secret(a="b")}))
    assert shown(None, {KEYS: damaged})[0] == "+ secret/keys: new"


def test_a_diff_is_printed(capsys: pytest.CaptureFixture[str]) -> None:
    """To standard output; where nothing changes, that is said."""
    print_diff(Screen(FakeClock()), None, {API: deployment()})
    assert capsys.readouterr().out.startswith("+ deployment/api: new\n+   apiVersion: apps/v1\n")
    print_diff(Screen(FakeClock()), {}, {})
    assert capsys.readouterr().out == "No object changes.\n"
