"""Checks DY0xx: charts as a whole."""

from __future__ import annotations

import pytest

from dockyard.checks.finding import Place
from dockyard.checks.subject import Subject
from tests.checks.examples import CHART, IMAGE, SERVICE, SOUND, TEMPLATE, in_project, release, subject, whole, with_spec
from tests.checks.samples import SETTINGS, changed, find, image, project, said


def test_a_file_that_cannot_be_read_is_found_where_it_is() -> None:
    """With the line where YAML ends to be some; of images too."""
    looked_at = whole(
        release(
            "", unreadable={"ci.yaml": "line 3, column 4: found undefined alias", "c/values.yaml": "it is a folder"}
        )
    )
    assert [(one.place, one.message) for one in find("DY001", looked_at)] == [
        (Place("ci.yaml", line=3, release="web"), "it cannot be read: line 3, column 4: found undefined alias"),
        (Place("c/values.yaml", release="web"), "it cannot be read: it is a folder"),
    ]
    of_image = image(unreadable={"web": "no such folder"})
    (found,) = find("DY001", Subject(project=project(), releases=(), images=(of_image,)))
    assert (found.place, found.message) == (Place("web", "images.web"), "it cannot be read: no such folder")


FAILURES = {
    "There is no Chart.yaml in charts/web": Place("charts/web", release="web"),
    "YAML parse error on web/templates/a.yaml: did not find": Place("charts/web/templates/a.yaml", release="web"),
    "web/templates/sub/a.yaml:6:10 executing": Place("charts/web/templates/sub/a.yaml", line=6, release="web"),
    "execution error at (web/charts/db/templates/s.yaml:2:4): no password": Place(
        "charts/web/charts/db/templates/s.yaml", line=2, release="web"
    ),
}


@pytest.mark.parametrize(("failure", "place"), FAILURES.items())
def test_a_chart_that_does_not_render_is_found_where_helm_says(failure: str, place: Place) -> None:
    """The template, and the line where Helm gives one; else the chart."""
    (found,) = find("DY002", subject("", failure=failure))
    assert (found.place, found.message, found.release) == (place, failure, "web")


def test_remarks_of_helm_lint_are_found_by_their_kind() -> None:
    """Errors and warnings are two checks; the file is the place."""
    remarks = (
        "[ERROR] templates/a.yaml: object name does not conform",
        "[WARNING] templates/: deprecated",
        "[ERROR] : unable to load chart",
        "[ERROR] unable to check Chart.yaml file in chart: no such file",
    )
    looked_at = subject(lint=remarks)
    assert [(one.place.file, one.message) for one in find("DY003", looked_at)] == [
        ("charts/web/templates/a.yaml", "object name does not conform"),
        ("charts/web", "unable to load chart"),
        ("charts/web", "unable to check Chart.yaml file in chart: no such file"),
    ]
    assert [(one.place.file, one.message) for one in find("DY004", looked_at)] == [
        ("charts/web/templates", "deprecated")
    ]


def test_what_keeps_a_chart_from_rendering_is_told_once() -> None:
    """`helm lint` renders too; its errors about other files stay."""
    remarks = ("[ERROR] templates/: nil pointer", "[ERROR] values.yaml: age is required")
    assert said("DY003", subject("", failure="nil pointer", lint=remarks)) == [": age is required"]


def test_what_differs_between_two_renderings_is_found_with_its_keys() -> None:
    """The first difference of each object; an object that is there only once has no keys."""
    more = f"{SOUND}---\nkind: Job\nmetadata: {{name: run-x7}}\n"
    again = changed(
        changed(SOUND, "LOG_LEVEL: info", "LOG_LEVEL: x"), "{name: tmp, mountPath: /tmp}", "{name: tmp, mountPath: /x}"
    )
    assert said("DY005", subject(more, again=again)) == [
        f"{where}: two renderings with the same values differ here"
        for where in (
            "ConfigMap/web-config: data.LOG_LEVEL",
            "Deployment/web: spec.template.spec.containers[0].volumeMounts[0].mountPath",
            "Job/run-x7",
        )
    ]


@pytest.mark.parametrize(
    ("text", "line"),
    [
        ("a: 1\nb: {{ now | unixEpoch }}", 2),
        ("{{- $t := now -}}", 1),
        ('{{ date "2006" (now) }}', 1),
        ("{{/* now */}}", 0),
        ('{{ "now" }}', 0),
        ("{{ `now` }}", 0),
        ("{{ .Values.now }}{{ $now }}", 0),
        ("now: {{ .Values.a }} now", 0),
        ("{{ unknown }}", 0),
    ],
)
def test_a_template_that_asks_for_the_time_is_found(text: str, line: int) -> None:
    """Two renderings within a second do not differ; comments, strings and names of one's own count nothing."""
    found = find("DY005", subject(templates={TEMPLATE: text}))
    assert [one.place for one in found] == ([Place(TEMPLATE, line=line, release="web")] if line else [])


def test_an_object_elsewhere_is_found() -> None:
    """The project's own namespace, an empty one, and objects without any pass."""
    template = "---\nkind: {kind}\nmetadata: {{name: x, namespace: {namespace}}}\n"
    sound = "".join(template.format(kind="Role", namespace=one) for one in ("default", "''"))
    wide = template.format(kind="ClusterRole", namespace="other")
    assert said("DY006", subject(SOUND + sound + wide)) == []
    assert said("DY006", subject(SOUND + template.format(kind="Role", namespace="other"))) == [
        "Role/x: metadata.namespace: its namespace is 'other', and releases are installed to 'default'"
    ]


@pytest.mark.parametrize(
    ("text", "lines"),
    [
        ("metadata:\n  namespace: default\n", [2]),
        ("  namespace: 'default' # always\n- namespace: \"default\"\n", [1, 2]),
        ("  namespace: {{ .Release.Namespace }}\n", []),
        ("  namespace: kube-system\n", []),
        ("  namespace: default-{{ .Values.a }}\n", []),
        ("  # namespace: default\n", []),
    ],
)
def test_a_namespace_in_a_template_is_found_with_its_line(text: str, lines: list[int]) -> None:
    """Only the project's own: an object in another one is found by what is rendered."""
    assert [one.place.line for one in find("DY007", subject(templates={TEMPLATE: text}))] == lines


def test_values_without_effect_are_found() -> None:
    """Whole files, keys of files, and keys of dockyard.yaml at their place there."""
    (found,) = find("DY008", subject(unread=("ci.yaml",)))
    assert (found.place.file, found.message) == ("ci.yaml", "release 'web' renders to the same without it")
    looked_at = subject(unread_keys={"ci.yaml": ("a", "b.c"), "dockyard.yaml": ("config",)})
    assert [(one.place.file, one.place.path) for one in find("DY009", looked_at)] == [
        ("ci.yaml", "a"),
        ("ci.yaml", "b.c"),
        ("dockyard.yaml", "releases.web.config"),
    ]


@pytest.mark.parametrize(
    ("key", "value", "message"),
    [
        ("version", "1.0", "'1.0' is not a semantic version"),
        ("appVersion", 1.1, "input should be a valid string"),
        ("appVersion", "a b", "'a b' is not a Docker tag"),
        ("name", "a/b", "'a/b' is not a chart name"),
        ("description", [], "input should be a valid string"),
    ],
)
def test_a_chart_that_breaks_a_rule_is_found_with_its_key(key: str, value: object, message: str) -> None:
    """The model's rules; what Helm knows beyond it is no concern."""
    (found,) = find("DY010", subject(chart={**CHART, key: value, "home": "https://example.org", "keywords": ["a"]}))
    assert (found.place.file, found.place.path) == ("charts/web/Chart.yaml", key)
    assert found.message.startswith(message)


def test_a_dependency_that_breaks_a_rule_is_found() -> None:
    """With its index; keys that only Helm knows are passed over."""
    dependencies = [{"name": "db", "version": "1.x", "tags": ["a"]}, {"name": "a/b"}]
    assert said("DY010", subject(chart={**CHART, "dependencies": dependencies}))[0].startswith("dependencies.1.name: ")


def test_a_missing_app_version_is_filled_in_by_a_deploy_with_an_image() -> None:
    """Without an image nothing does."""
    bare = {key: value for key, value in CHART.items() if key != "appVersion"}
    assert said("DY010", subject(chart=bare)) == []
    assert said("DY010", subject(chart=bare, tag="")) == ["appVersion: field required"]


def test_another_app_version_than_the_tag_is_found() -> None:
    """Compared with what `images` says; a chart that breaks rules, or has none, is told elsewhere or not at all."""
    assert said("DY011", subject(chart={**CHART, "appVersion": "1.0.0"})) == [
        "appVersion: the chart web has appVersion 1.0.0, its image web:latest another tag"
    ]
    assert said("DY011", in_project(images={"web": {**IMAGE, "tag": "1.0.0"}})) == [
        "appVersion: the chart web has appVersion latest, its image web:1.0.0 another tag"
    ]
    assert said("DY011", subject(chart={**CHART, "appVersion": "1.0.0", "version": "x"})) == []
    assert said("DY011", whole(with_spec(image=None))) == []


@pytest.mark.parametrize(
    ("image_", "running"), [("web:0.9.0", "web:0.9.0"), ("other:1.0.0", "other:1.0.0"), ("web", "web")]
)
def test_a_release_that_runs_something_else_is_found(image_: str, running: str) -> None:
    """Another tag is another image."""
    assert said("DY012", subject(changed(SOUND, "image: web:1.0.0", f"image: {image_}"))) == [
        f": no container runs web with the tag that a deploy gives it; they run {running}"
    ]


def test_a_release_without_pods_runs_nothing() -> None:
    """Unless it has no image, or does not render."""
    assert said("DY012", subject(SETTINGS)) == [
        ": no container runs web with the tag that a deploy gives it; they run nothing"
    ]
    assert said("DY012", whole(with_spec(image=None))) == []
    assert said("DY012", subject("", failure="no")) == said("DY012", subject("", unreadable={"a": "b"})) == []


def test_an_object_that_two_make_is_found() -> None:
    """By two releases, or twice by one; another API or namespace makes it another object."""
    assert said("DY013", subject(SOUND, release(SERVICE, name="other"))) == [
        "Service/api-service: release 'web' makes it too"
    ]
    assert said("DY013", subject(SOUND + SERVICE)) == ["Service/api-service: the chart charts/web renders it twice"]
    other = changed(SERVICE, "apiVersion: v1", "apiVersion: serving/v1")
    elsewhere = changed(SERVICE, "name: api-service", "name: api-service\n  namespace: other")
    assert said("DY013", subject(SOUND, release(other, name="a"), release(elsewhere, name="b"))) == []
