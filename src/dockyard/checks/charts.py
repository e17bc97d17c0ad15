"""Checks of charts as a whole: that they can be read, render, and render what is meant (DY0xx)."""

from __future__ import annotations

import re
from itertools import pairwise
from typing import TYPE_CHECKING, Any

from dockyard.charts.documents import mapping
from dockyard.checks import lint
from dockyard.checks.catalogue import check
from dockyard.checks.finding import Place, Severity
from dockyard.checks.reading import dig, mappings, shown
from dockyard.checks.rules import breaches, lower
from dockyard.checks.subject import PROJECT_FILE
from dockyard.model.chart import ChartDependency, HelmChart, check_app_version
from dockyard.model.errors import RuleError

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from dockyard.checks.finding import Hit
    from dockyard.checks.subject import ReleaseSubject, Subject

TEMPLATE = re.compile(r"[\w.-]+/((?:charts/[\w.-]+/)*templates/[^\s:()\"]+)(?::(\d+))?")
"""A template with its chart's name in front, as Helm's errors have it, and the line."""

LINE = re.compile(r"line (\d+), ")
"""Where YAML ends to be some."""

ACTION = re.compile(r"\{\{(.*?)\}\}", re.DOTALL)
QUIET = re.compile(r"/\*.*?\*/|\"(?:\\.|[^\"\\])*\"|`[^`]*`", re.DOTALL)
"""Comments and strings inside of an action."""

CLOCK = re.compile(r"(?<![\w.$])now\b")

NAMESPACE = re.compile(r"""^[ \t-]*namespace:[ \t]*["']?([a-z0-9][-a-z0-9]*)["']?[ \t]*(?:#.*)?$""", re.MULTILINE)

CLUSTER_WIDE = frozenset({"Namespace", "ClusterRole", "ClusterRoleBinding", "CustomResourceDefinition"})
"""Kinds without a namespace that charts have; the API server passes over one that is given."""


@check(
    "DY001",
    "every file that a release or an image is made from can be read",
    why="What cannot be read can be neither rendered nor built.",
    fix="Correct the path in dockyard.yaml, or the file: UTF-8, YAML without tags of its own, no larger than 2 MB.",
)
def unreadable(subject: Subject) -> Iterator[Hit]:
    """Find files that are not there, are no files, are too large, are not UTF-8, or are no YAML."""
    for release in subject.releases:
        for file, why in release.unreadable.items():
            line = LINE.match(why)
            yield Place(file, line=int(line[1]) if line else 0, release=release.name), f"it cannot be read: {why}"
    for image in subject.images:
        for file, why in image.unreadable.items():
            yield Place(file, f"images.{image.name}"), f"it cannot be read: {why}"


@check(
    "DY002",
    "every chart is there and renders",
    why="Helm refuses to install a chart that it cannot render.",
    fix="Correct the template or the value that the message names; `helm template` shows the same.",
)
def not_rendered(subject: Subject) -> Iterator[Hit]:
    """Find charts that are not there, and templates that end in an error."""
    for release in subject.releases:
        if release.failure:
            found = TEMPLATE.search(release.failure)
            file = f"{release.spec.chart}/{found[1]}" if found else release.spec.chart
            line = int(found[2] or 0) if found else 0
            yield Place(file, line=line, release=release.name), release.failure


@check(
    "DY003",
    "`helm lint` finds no errors",
    why="Charts pass `helm lint` before any deploy (data-model.md, section 2; FR-020).",
    fix="Do what the message says; `helm lint --strict` with the release's values shows the same.",
)
def lint_errors(subject: Subject) -> Iterator[Hit]:
    """Find errors of `helm lint`; of a chart that does not render, those of its templates are DY002's."""
    for release in subject.releases:
        for place, message in _remarks(release, lint.ERROR):
            if not (release.failure and place.file.startswith(f"{release.spec.chart}/templates")):
                yield place, message


@check(
    "DY004",
    "`helm lint` finds no warnings",
    severity=Severity.WARNING,
    why="Charts pass `helm lint` with zero warnings (SC-011).",
    fix="Do what the message says; `helm lint --strict` with the release's values shows the same.",
)
def lint_warnings(subject: Subject) -> Iterator[Hit]:
    """Find warnings of `helm lint`."""
    for release in subject.releases:
        yield from _remarks(release, lint.WARNING)


@check(
    "DY005",
    "a chart renders to the same each time",
    severity=Severity.WARNING,
    why="What changes by itself replaces pods on every deploy, and hides what was really changed.",
    fix="Take the value from the values or a Secret; leave out rand..., gen..., uuidv4 and now.",
)
def random_rendering(subject: Subject) -> Iterator[Hit]:
    """Find objects that two renderings show differently, and templates that ask for the time."""
    for release in subject.releases:
        again = release.repeated or release.manifests
        changed = release.manifests.changed(again)
        for name in changed:
            path = _difference(release.manifests.objects.get(name), again.objects.get(name))
            yield release.place(name, path), "two renderings with the same values differ here"
        if not changed:  # within one second the time is the same
            yield from _clocks(release)


@check(
    "DY006",
    "every object is in the namespace of the project",
    why="What is elsewhere is neither watched nor found by the other objects, and the namespace may not exist.",
    fix="Leave metadata.namespace out of the template: Helm fills it in.",
)
def other_namespace(subject: Subject) -> Iterator[Hit]:
    """Find objects that name another namespace than the one they are installed to."""
    wanted = subject.project.cluster.namespace
    for release, name, content in subject.objects():
        given = dig(content, "metadata", "namespace")
        if given and given != wanted and name.kind not in CLUSTER_WIDE:
            message = f"its namespace is {shown(given)}, and releases are installed to {wanted!r}"
            yield release.place(name, "metadata.namespace"), message


@check(
    "DY007",
    "no template has the namespace written into it",
    severity=Severity.WARNING,
    why="It works until the chart is installed to another namespace: two of them side by side cannot be had.",
    fix="Leave the namespace out, or write {{ .Release.Namespace }}.",
)
def written_namespace(subject: Subject) -> Iterator[Hit]:
    """Find lines with the project's own namespace; objects in another one are DY006's."""
    for release in subject.releases:
        for file, text in release.templates.items():
            for found in NAMESPACE.finditer(text):
                if found[1] == subject.project.cluster.namespace:
                    line = text.count("\n", 0, found.start()) + 1
                    yield Place(file, line=line, release=release.name), f"the namespace {found[1]!r} is written here"


@check(
    "DY008",
    "every values file changes something",
    severity=Severity.WARNING,
    why="Somebody believes in values that have no effect: the chart does not read them, or something else wins.",
    fix="Compare the keys with the chart's values.yaml; take the file out of `values` where it is not needed.",
)
def unread_file(subject: Subject) -> Iterator[Hit]:
    """Find values files without which the chart renders to the same."""
    for release in subject.releases:
        for file in release.unread:
            yield Place(file, release=release.name), f"release {release.name!r} renders to the same without it"


@check(
    "DY009",
    "every value is read by the chart",
    severity=Severity.WARNING,
    why="A value under a key that no template reads has no effect; mostly the key is misspelt.",
    fix="Compare the key with the chart's values.yaml.",
)
def unread_key(subject: Subject) -> Iterator[Hit]:
    """Find keys of values files, and of dockyard.yaml, without which the chart renders to the same."""
    for release in subject.releases:
        for file, keys in release.unread_keys.items():
            for key in keys:
                path = f"releases.{release.name}.{key}" if file == PROJECT_FILE else key
                yield Place(file, path, release=release.name), f"the chart {release.spec.chart} does not read it"


@check(
    "DY010",
    "Chart.yaml keeps the rules of the data model",
    why="Name, version and appVersion are what a release, its history and a rollback are known by "
    "(data-model.md, section 2).",
    fix="Correct the key; write versions in quotes, since 1.10 without them is a number.",
)
def broken_chart(subject: Subject) -> Iterator[Hit]:
    """Find what the model does not accept; an appVersion that a deploy fills in may be missing."""
    for release in subject.releases:
        if release.chart:
            given = _chart(release)
            filled = {"appVersion": release.tag, **given} if release.tag else given
            for breach in breaches(HelmChart, filled):
                yield Place(f"{release.spec.chart}/Chart.yaml", breach.path, release=release.name), breach.message


@check(
    "DY011",
    "appVersion is the tag of the image",
    severity=Severity.WARNING,
    why="They must match (data-model.md, section 2). A deploy packages the chart with the right one, a bare "
    "`helm install` does not.",
    fix="Write the tag that `images` has into appVersion of Chart.yaml: `latest` where it follows the sources.",
)
def other_app_version(subject: Subject) -> Iterator[Hit]:
    """Find charts with another appVersion than the tag of the release's image."""
    for release in subject.releases:
        given = _chart(release)
        if release.spec.image is None or "appVersion" not in given or any(breaches(HelmChart, given)):
            continue
        image = subject.project.image(release.spec.image).image(release.spec.image)
        try:
            check_app_version(HelmChart.model_validate(given), image)
        except RuleError as error:
            yield (
                Place(f"{release.spec.chart}/Chart.yaml", "appVersion", release=release.name),
                lower(error.what),
            )


@check(
    "DY012",
    "a release runs its image",
    why="The image is built and loaded, and something else runs: a change of the sources never arrives.",
    fix="Let the chart read image.repository and image.tag, or take `image` out of the release.",
)
def other_image(subject: Subject) -> Iterator[Hit]:
    """Find releases of which no container runs the image that dockyard.yaml gives them."""
    for release in subject.releases:
        if release.spec.image is None or release.failure or release.unreadable:
            continue
        running = [
            str(container.content.get("image")) for owner, _, container in subject.containers() if owner is release
        ]
        if f"{release.spec.image}:{release.tag}" not in running:
            listed = ", ".join(sorted(set(running))) or "nothing"
            message = f"no container runs {release.spec.image} with the tag that a deploy gives it; they run {listed}"
            yield Place(release.spec.chart, release=release.name), message


@check(
    "DY013",
    "every object is made once",
    why="Helm refuses to install an object that is there already and belongs to another release.",
    fix="Give it another name, with {{ .Release.Name }} in it for example.",
)
def made_twice(subject: Subject) -> Iterator[Hit]:
    """Find objects that one release renders twice, or that two releases make."""
    makers: dict[tuple[str, ...], ReleaseSubject] = {}
    for release, name, content in subject.objects():
        if name in release.manifests.repeated:
            yield release.place(name), f"the chart {release.spec.chart} renders it twice"
        group, _, _ = str(content.get("apiVersion")).rpartition("/")
        identity = (group, name.kind, name.name, str(dig(content, "metadata", "namespace") or ""))
        first = makers.setdefault(identity, release)
        if first is not release:
            yield release.place(name), f"release {first.name!r} makes it too"


def _remarks(release: ReleaseSubject, kind: str) -> Iterator[Hit]:
    for remark in release.lint:
        if remark.startswith(kind):
            text = remark.removeprefix(kind).strip()
            file, colon, message = text.partition(": ")
            known = colon and " " not in file
            where = f"{release.spec.chart}/{file.rstrip('/')}" if known and file else release.spec.chart
            yield Place(where, release=release.name), message if known else text


def _clocks(release: ReleaseSubject) -> Iterator[Hit]:
    for file, text in release.templates.items():
        for action in ACTION.finditer(text):
            if CLOCK.search(QUIET.sub("", action[1])):
                line = text.count("\n", 0, action.start()) + 1
                yield Place(file, line=line, release=release.name), "the template asks for the time"


def _difference(one: object, other: object) -> str:
    """Return the dotted keys that lead to the first difference, as far down as both have them."""
    if isinstance(one, dict) and isinstance(other, dict):
        for key in one:
            if one[key] != other.get(key):
                return _joined(str(key), _difference(one[key], other.get(key)))
    if isinstance(one, list) and isinstance(other, list):
        for index, (left, right) in enumerate(zip(one, other, strict=False)):
            if left != right:
                return _joined(f"[{index}]", _difference(left, right))
    return ""


def _joined(*parts: str) -> str:
    pairs = pairwise(("", *filter(None, parts)))
    return "".join(f".{part}" if before and not part.startswith("[") else part for before, part in pairs)


def _chart(release: ReleaseSubject) -> Mapping[str, Any]:
    """Return what Chart.yaml says of what the model knows; Helm knows more."""
    known = {
        key: release.chart[key] for key in ("name", "version", "appVersion", "description") if key in release.chart
    }
    fields = {field.alias for field in ChartDependency.model_fields.values()}
    dependencies = [
        {key: value for key, value in entry.items() if key in fields}
        for entry in mappings(release.chart.get("dependencies"))
    ]
    return mapping({**known, "dependencies": dependencies})
