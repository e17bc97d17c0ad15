"""Rendered manifests as objects."""

from __future__ import annotations

import pytest

from dockyard.charts.manifests import Manifests, ObjectName
from dockyard.model.errors import BuildError

TWO = """\
---
# Source: web/templates/service.yaml
kind: Service
metadata: { name: web }
spec: { ports: [{ port: 80 }] }
---
kind: Deployment
metadata: { name: web }
spec: { replicas: 2 }
"""


def test_each_document_is_an_object() -> None:
    """Named by kind and name: a Service and a Deployment may share one."""
    parsed = Manifests.parse(TWO)
    assert sorted(map(str, parsed.objects)) == ["deployment/web", "service/web"]
    assert [entry["spec"]["replicas"] for entry in parsed.of_kind("Deployment")] == [2]


def test_kinds_are_picked_in_the_order_of_the_text() -> None:
    """One call for several kinds."""
    kinds = [entry["kind"] for entry in Manifests.parse(TWO).of_kind("Deployment", "Service", "Secret")]
    assert kinds == ["Service", "Deployment"]


@pytest.mark.parametrize("text", ["", "---\n", "---\n# Source: web/templates/empty.yaml\n---\n", "{}", "~"])
def test_empty_documents_are_nothing(text: str) -> None:
    """Helm renders a switched-off template to a comment."""
    assert Manifests.parse(text).objects == {}


def test_hooks_are_left_out() -> None:
    """`helm get manifest` has none, so one that `helm template` shows would look like a change for ever."""
    hook = "---\nkind: Job\nmetadata: { name: migrate, annotations: { helm.sh/hook: pre-upgrade } }\n"
    assert Manifests.parse(TWO + hook).changed(Manifests.parse(TWO)) == ()


@pytest.mark.parametrize(
    ("hook", "names"),
    [
        ("name: web, annotations: { helm.sh/hook: pre-install }", ["secret/web"]),
        ("name: web, annotations: { helm.sh/hook: 'pre-delete, post-upgrade' }", ["secret/web"]),
        ("name: web, annotations: { helm.sh/hook: test }", []),
        ("name: web, annotations: { helm.sh/hook: }", []),
        ("generateName: web-, annotations: { helm.sh/hook: pre-install }", []),
    ],
)
def test_what_hooks_make_around_a_release_is_kept_apart(hook: str, names: list[str]) -> None:
    """It is there when the pods are; what a test makes is not."""
    parsed = Manifests.parse(f"kind: Secret\nmetadata: {{ {hook} }}\n")
    assert (dict(parsed.objects), list(map(str, parsed.hooks))) == ({}, names)


def test_annotations_that_are_empty_are_no_hook() -> None:
    """A template may leave the key without a value."""
    assert len(Manifests.parse("kind: Secret\nmetadata: { name: web, annotations: }\n").objects) == 1


def test_what_is_no_yaml_is_told() -> None:
    """A template can render anything."""
    with pytest.raises(BuildError, match=r"The rendered chart is not valid YAML"):
        Manifests.parse("kind: [")


def test_code_in_yaml_is_not_run() -> None:
    """A chart is somebody else's text."""
    with pytest.raises(BuildError):
        Manifests.parse("!!python/object/apply:os.getcwd []")


def test_the_same_text_in_another_order_is_no_change() -> None:
    """Key order and comments are not sent to the cluster."""
    first, second = TWO.split("---\n")[1:]
    assert Manifests.parse(f"---\n{second}---\n{first}").changed(Manifests.parse(TWO)) == ()


CHANGES = {
    "another value": TWO.replace("replicas: 2", "replicas: 3"),
    "another type": TWO.replace("replicas: 2", 'replicas: "2"'),
    "less": TWO.partition("---\nkind: Deployment")[0],
    "more in it": TWO.replace("replicas: 2", "replicas: 2, paused: false"),
}


@pytest.mark.parametrize("text", CHANGES.values(), ids=CHANGES)
def test_a_difference_is_found_from_either_side(text: str) -> None:
    """Changed, gone or new: it is named."""
    one, other = Manifests.parse(TWO), Manifests.parse(text)
    assert one.changed(other) == other.changed(one) == (ObjectName("Deployment", "web"),)


def test_the_objects_of_a_list_are_objects() -> None:
    """Helm sends what a List holds."""
    text = "kind: List\nmetadata: {}\nitems:\n- { kind: Service, metadata: { name: web } }\n"
    assert list(map(str, Manifests.parse(text).objects)) == ["service/web"]


NO_OBJECTS = {
    "text": ("just text", "it is a str"),
    "a list": ("- a", "it is a list"),
    "no kind": ("metadata: { name: web }", "it has no `kind`"),
    "an empty kind": ("kind: ''\nmetadata: { name: web }", "it has no `kind`"),
    "no metadata": ("kind: Service", "its kind is Service and it has no `metadata.name`"),
    "metadata that is text": ("kind: Service\nmetadata: web", "its kind is Service"),
    "a number for a name": ("kind: Service\nmetadata: { name: 1 }", "its kind is Service"),
    "text in a List": ("kind: List\nitems: [a]", "it is a str"),
    "a List of nothing": ("kind: List\nitems: 1", "it is a int"),
}


@pytest.mark.parametrize(("text", "why"), NO_OBJECTS.values(), ids=NO_OBJECTS)
def test_what_is_no_object_is_told_with_its_template(text: str, why: str) -> None:
    """Helm lets some of it pass."""
    with pytest.raises(BuildError, match=rf"A document of web/templates/a\.yaml is no object of Kubernetes\. .*{why}"):
        Manifests.parse(f"---\n# Source: web/templates/a.yaml\n{text}\n")


@pytest.mark.parametrize(
    ("other", "repeated"),
    [
        ("kind: Role\nmetadata: { name: web }", ["role/web"]),
        ("kind: Role\nmetadata: { name: web, namespace: other }", []),
        ("apiVersion: other/v1\nkind: Role\nmetadata: { name: web }", []),
    ],
)
def test_an_object_that_stands_there_twice_is_known(other: str, repeated: list[str]) -> None:
    """Another namespace or another API makes it another object."""
    parsed = Manifests.parse(f"---\nkind: Role\nmetadata: {{ name: web }}\n---\n{other}\n")
    assert list(map(str, parsed.repeated)) == repeated
