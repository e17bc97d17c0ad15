"""The pods that a release would make."""

from __future__ import annotations

import pytest

from dockyard.charts.manifests import Manifests
from dockyard.charts.pods import TEMPLATES, PodTemplate, pod_templates

POD = "metadata: { labels: { app: web } }, spec: { initContainers: [{ name: first }], containers: [{ name: app }] }"


def made(text: str) -> list[PodTemplate]:
    """Return the templates of a rendered text."""
    return list(pod_templates(Manifests.parse(text)))


@pytest.mark.parametrize("kind", sorted(TEMPLATES))
def test_every_kind_keeps_its_template_somewhere(kind: str) -> None:
    """The path leads to it, and to its containers in the order in which they start."""
    keys = TEMPLATES[kind]
    inner = f"{{ {POD} }}"
    for key in reversed(keys):
        inner = f"{{ {key}: {inner} }}"
    body = inner[1:-1] if keys else "spec: { initContainers: [{ name: first }], containers: [{ name: app }] }"
    labels = "" if keys else ", labels: { app: web }"
    (template,) = made(f"{{ kind: {kind}, metadata: {{ name: web{labels} }}, {body} }}")
    assert template.labels == {"app": "web"}
    assert template.replicas == 1
    paths = [(container.path, container.init) for container in template.containers()]
    before = ".".join([*keys, "spec"])
    assert paths == [(f"{before}.initContainers[0]", True), (f"{before}.containers[0]", False)]


def test_other_kinds_make_no_pods() -> None:
    """A Service has a spec too."""
    assert made("{ kind: Service, metadata: { name: web }, spec: { replicas: 2 } }") == []


@pytest.mark.parametrize(
    "spec",
    [
        "text",
        "[]",
        "{ template: text }",
        "{ template: { metadata: text, spec: text } }",
        "{ template: { metadata: { labels: text, annotations: [] }, spec: { containers: text } } }",
        "{ replicas: many, template: { spec: { initContainers: { a: 1 }, containers: [text, 1, null] } } }",
    ],
)
def test_what_has_the_wrong_type_counts_as_empty(spec: str) -> None:
    """A chart can render anything; that it is wrong is a check's word."""
    (template,) = made(f"{{ kind: Deployment, metadata: {{ name: web }}, spec: {spec} }}")
    assert (template.labels, template.annotations, template.replicas) == ({}, {}, 1)
    assert all(container.content == {} for container in template.containers())
