"""YAML that somebody else wrote."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dockyard.charts import documents
from dockyard.charts.documents import read_documents
from dockyard.model.errors import BuildError

if TYPE_CHECKING:
    from pathlib import Path

PLAIN: dict[str, Any] = {
    "y": True,
    "N": False,
    "on": True,
    "yEs": "yEs",
    "~": None,
    "": None,
    "Null": None,
    "014": 12,
    "0o14": 12,
    "0x1F": 31,
    "0b11": 3,
    "0x": "0x",
    "1_000": 1000,
    "-1": -1,
    "08": 8.0,
    "1e5": 100000.0,
    "1.": 1.0,
    "1.2.3": "1.2.3",
    "190:20:30": "190:20:30",
    "12:30.5": "12:30.5",
    "2024-01-01": "2024-01-01",
    "2024-13-45": "2024-13-45",
    "2024-01-01T10:00:00Z": "2024-01-01T10:00:00Z",
    "=": "=",
    "'1'": "1",
    "!!binary aGk=": "aGk=",
}
"""Plain values and what Helm 3.17 and 4.3 make of them, by `kindOf` in a template."""


@pytest.mark.parametrize(("text", "value"), PLAIN.items())
def test_plain_values_are_read_as_helm_reads_them(text: str, value: object) -> None:
    """PyYAML alone would make dates, sums of minutes and strings of some of them."""
    (document,) = read_documents(f"key: {text}", "It")
    assert document == {"key": value}
    assert type(document["key"]) is type(value)


@pytest.mark.parametrize(
    ("key", "text"), [("1", "1"), ("y", "true"), ("~", "null"), ("1.5", "1.5"), ("08", "8"), ("0", "0")]
)
def test_every_key_is_text(key: str, text: str) -> None:
    """JSON has no other keys, and Kubernetes gets JSON."""
    assert read_documents(f"{key}: x", "It") == [{text: "x"}]


@pytest.mark.parametrize(("text", "count"), [("", 0), ("---\n", 1), ("a: 1\n---\nb: 2\n", 2)])
def test_a_text_has_any_number_of_documents(text: str, count: int) -> None:
    """An empty one is None."""
    assert len(read_documents(text, "It")) == count


def test_aliases_and_merges_are_written_out() -> None:
    """Both are in use in charts."""
    assert read_documents("a: &a { x: 1 }\nb: *a\nc: { <<: *a, z: 2 }\n", "It") == [
        {"a": {"x": 1}, "b": {"x": 1}, "c": {"x": 1, "z": 2}}
    ]


def bomb(line: str, first: str) -> str:
    """Return nine levels, each of nine aliases of the one before."""
    levels = (line.format(at=at, before=",".join([f"*a{at - 1}"] * 9)) for at in range(1, 10))
    return f"a0: &a0 {first}\n{''.join(levels)}"


HARMFUL = {
    "billion laughs": (bomb("a{at}: &a{at} [{before}]\n", "[x,x]"), "more than 500,000 nodes"),
    "billion merges": (bomb("a{at}: &a{at} {{<<: [{before}]}}\n", "{x: 1}"), "more than 500,000 nodes"),
    "one long text many times": (f"a: &a {'x' * 100_000}\nb: [{'*a,' * 1000}]", "more than 500,000 nodes"),
    "many values": (f"[{'a,' * 600_000}]", "more than 500,000 nodes"),
    "nesting in brackets": ("[" * 100_000, "more than 200 levels"),
    "nesting in lines": ("".join(f"{' ' * at}a:\n" for at in range(300)), "more than 200 levels"),
    "nesting on one line": ("- " * 100_000, "more than 200 levels"),
    "a list in itself": ("a: &a [*a]", r"\*a stands inside of what it stands for"),
    "a long text": ("#" * 10_000_001, "more than 10,000,000 characters"),
}


@pytest.mark.parametrize(("text", "why"), HARMFUL.values(), ids=HARMFUL)
def test_what_blows_up_is_refused_before_it_is_made(text: str, why: str) -> None:
    """Each would take gigabytes or minutes, or end the process."""
    with pytest.raises(BuildError, match=rf"It cannot be read as YAML\. .*{why}"):
        read_documents(text, "It")


WRONG = {
    "code": "a: !!python/object/apply:os.getcwd []",
    "a tag": "a: !own x",
    "an open bracket": "a: [",
    "an unknown alias": "a: *b",
    "an alias of another document": "a: &a 1\n---\nb: *a",
    "a list as a key": "{[1]: 2}",
    "a control character": "a: \x01",
    "an impossible number": f"a: {'9' * 5000}",
    "a tab": "a:\n\tb: 1",
}


@pytest.mark.parametrize("text", WRONG.values(), ids=WRONG)
def test_what_is_no_yaml_is_refused(text: str) -> None:
    """One error for every way to be wrong."""
    with pytest.raises(BuildError, match=r"^It is not valid YAML\. .+"):
        read_documents(text, "It")


def test_code_is_not_run(tmp_path: Path) -> None:
    """A tag that PyYAML could run is only a tag."""
    there = tmp_path / "there"
    with pytest.raises(BuildError):
        read_documents(f"!!python/object/apply:os.mkdir [{there}]", "It")
    assert not there.exists()


def test_an_error_names_the_place_and_not_the_value() -> None:
    """A values file may hold secrets."""
    with pytest.raises(BuildError) as caught:
        read_documents("a: 1\nb: {hidden: [hidden}", "It")
    assert "line 2, column" in str(caught.value)
    assert "hidden" not in str(caught.value)


@given(st.text(max_size=200) | st.text(alphabet="[]{}&*!|>'\":,-?<=\n a1~", max_size=200))
def test_any_text_is_yaml_or_an_error(text: str) -> None:
    """Nothing else is raised."""
    try:
        assert isinstance(read_documents(text, "It"), list)
    except BuildError as error:
        assert error.why  # noqa: PT017 - one of two good ends


def test_limits_leave_room_for_what_kubernetes_stores() -> None:
    """An object of etcd has at most 1.5 MB; a chart may have several."""
    assert documents.LONGEST > 5 * 1_500_000
