"""Checks of secrets, and of what makes pods and images follow what they are configured with (DY5xx).

No message has a secret's value, nor any part of it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from dockyard.charts.documents import mapping
from dockyard.charts.manifests import WORKLOADS, ObjectName
from dockyard.checks.catalogue import check
from dockyard.checks.finding import Place, Severity
from dockyard.checks.reading import dig, image_of, mappings
from dockyard.checks.values import single_values
from dockyard.model.looks import why_secret
from dockyard.model.secret import Kind, judge_all
from dockyard.model.tag import LATEST

if TYPE_CHECKING:
    from collections.abc import Iterator

    from dockyard.charts.pods import PodTemplate
    from dockyard.checks.finding import Hit
    from dockyard.checks.subject import ReleaseSubject, Subject

ENV_FILE = ".env"

CHECKSUM = "checksum/"
"""How the annotations begin that change with a ConfigMap or Secret (Helm documentation, "Automatically Roll
Deployments")."""

SOURCES = {"configMapKeyRef": "ConfigMap", "configMapRef": "ConfigMap", "secretKeyRef": "Secret", "secretRef": "Secret"}

NAMED_BY = {"ConfigMap": ("config", "env"), "Secret": ("secret", "env")}
"""Words in an annotation's key that say which kind it follows."""

BUILD_TIME = ("NEXT_PUBLIC_", "VITE_", "REACT_APP_", "NUXT_ENV_", "GATSBY_")
"""Prefixes of variables that the frontend's build writes into the page (documentation of Next.js, Vite, Create React
App, Nuxt and Gatsby)."""


@check(
    "DY501",
    "no values file holds a secret",
    why="Values files are kept in Git, and what was once in Git is known to everyone who can read it (data-model.md, "
    "section 5).",
    fix="Leave it empty there, name it in `secrets` of the release, and put its value into .env; replace the secret.",
)
def secret_in_values(subject: Subject) -> Iterator[Hit]:
    """Find values that look like secrets, each with its line."""
    files = {path: text for release in subject.releases for path, text in release.values.items()}
    for path, text in files.items():
        for value in single_values(text):
            if why := why_secret(value.name, value.text):
                yield Place(path, value.path, value.line), f"the value of {value.name!r} {why}"


@check(
    "DY502",
    "no ConfigMap holds a secret",
    why="Everyone who may read the namespace reads ConfigMaps; nothing protects them (data-model.md, section 5).",
    fix="Move it to the Secret of the chart.",
)
def secret_in_config_map(subject: Subject) -> Iterator[Hit]:
    """Find entries of ConfigMaps that look like secrets."""
    for release, name, content in subject.objects("ConfigMap"):
        for key, value in mapping(content.get("data")).items():
            if isinstance(value, str) and (why := why_secret(str(key), value)):
                yield release.place(name, f"data.{key}"), f"the value of {str(key)!r} {why}"


@check(
    "DY503",
    "no variable of a container holds a secret",
    why="The pod's specification shows it to everyone who may see pods, and Helm keeps it in every revision.",
    fix="Take it from a Secret, with valueFrom.secretKeyRef or envFrom.",
)
def secret_in_variable(subject: Subject) -> Iterator[Hit]:
    """Find variables with a value of their own that looks like a secret."""
    for release, template, container in subject.containers():
        for index, variable in enumerate(mappings(container.content.get("env"))):
            name, value = variable.get("name"), variable.get("value")
            if isinstance(name, str) and isinstance(value, str) and (why := why_secret(name, value)):
                place = release.place(template.owner, f"{container.path}.env[{index}].value")
                yield place, f"the value of {name!r} {why}"


@check(
    "DY504",
    "no secret is a placeholder",
    why="The release starts and then fails where the secret is used, or it runs with a secret that everybody knows.",
    fix="Put the real value into .env or the environment.",
)
def placeholder_secret(subject: Subject) -> Iterator[Hit]:
    """Find secrets whose value only stands for one, the example of dockyard.yaml among them."""
    return _faults(subject, Kind.PLACEHOLDER)


@check(
    "DY505",
    "every required secret has a value, and the chart puts it into its Secret",
    why="The release cannot start, or starts and fails where the secret is used.",
    fix="Set it in .env or in the environment; where it is set, let the chart's Secret take it from .Values.secrets.",
)
def empty_secret(subject: Subject) -> Iterator[Hit]:
    """Find required secrets without a value; the development database gives its own."""
    yield from _faults(subject, Kind.MISSING, Kind.EMPTY)
    for release in subject.releases:
        for name, use in release.spec.secrets.items():
            if use.required and name in _given(subject):
                yield from _rendered_empty(release, name)


@check(
    "DY506",
    "pods are replaced when the ConfigMap or Secret changes that their variables come from",
    why="A pod keeps its variables until it ends: a changed ConfigMap or Secret would reach no pod (SC-007).",
    fix="Annotate the pod template with checksum/config and checksum/secret, the SHA-256 of what the objects hold.",
)
def missing_checksum(subject: Subject) -> Iterator[Hit]:
    """Find workloads that take variables from objects of their own release and have no annotation that follows them."""
    for release, template in subject.pods():
        if template.owner.kind in WORKLOADS:
            keys = [key.removeprefix(CHECKSUM) for key in map(str, template.annotations) if key.startswith(CHECKSUM)]
            place = release.place(template.owner, f"{template.path}.metadata.annotations")
            for kind, names in _sources(release, template).items():
                if not _follows(kind, keys):
                    yield place, f"no annotation {CHECKSUM}... follows {kind} {', '.join(sorted(names))}"


@check(
    "DY507",
    "every image is named with a tag that does not move",
    why="Under a tag that moves no pod is replaced when the image changes, and no rollback brings the old one back.",
    fix="Name a version or a digest; for an image of the project take .Values.image.tag.",
)
def moving_tag(subject: Subject) -> Iterator[Hit]:
    """Find images without a tag, or with the tag `latest`; a digest is as good as a tag."""
    for release, template, container in subject.containers():
        image = image_of(container)
        if image is not None and not image.digest and image.tag in {"", LATEST}:
            what = f"the tag {LATEST!r}" if image.tag else "no tag"
            yield release.place(template.owner, f"{container.path}.image"), f"the image {str(image)!r} has {what}"


@check(
    "DY508",
    "an image of the project is never pulled",
    why="It is loaded into the node and in no registry: the pod stays in ErrImagePull for ever.",
    fix="Set imagePullPolicy to IfNotPresent or Never.",
)
def pulled(subject: Subject) -> Iterator[Hit]:
    """Find images of the project that would be pulled; without a policy Kubernetes pulls `latest` every time."""
    for release, template, container in subject.containers():
        image, policy = image_of(container), container.content.get("imagePullPolicy")
        if image is None or image.registry or image.name not in subject.project.images:
            continue
        place = release.place(template.owner, f"{container.path}.imagePullPolicy")
        if policy == "Always":
            yield place, f"the image {image.name!r} is loaded, and imagePullPolicy is Always"
        elif not policy and not image.digest and image.tag in {"", LATEST}:
            yield place, f"the image {image.name!r} is loaded, and imagePullPolicy would be Always for {LATEST!r}"


@check(
    "DY509",
    "no variable is set at run time that only the build reads",
    why="The build has written its value into the page: what is set at run time changes nothing, and nobody is told.",
    fix="Set it in buildArguments of the image, or let the page ask the server for it.",
)
def build_time_variable(subject: Subject) -> Iterator[Hit]:
    """Find variables of containers, and keys that become variables, whose prefix says that the build reads them."""
    for release, template, container in subject.containers():
        for index, variable in enumerate(mappings(container.content.get("env"))):
            if (name := str(variable.get("name"))).startswith(BUILD_TIME):
                yield release.place(template.owner, f"{container.path}.env[{index}]"), f"{name} is read by the build"
    for release, template in subject.pods():
        for kind, names in _sources(release, template, whole=True).items():
            for name in sorted(names):
                yield from _build_time_keys(release, kind, name)


@check(
    "DY510",
    "no build argument holds a secret",
    why="The image's history shows build arguments to everyone who has the image.",
    fix="Use `RUN --mount=type=secret`, and take it out of buildArguments.",
)
def secret_in_build_argument(subject: Subject) -> Iterator[Hit]:
    """Find build arguments that look like secrets."""
    for image, spec in subject.project.images.items():
        for name, value in spec.build_arguments.items():
            if why := why_secret(name, value):
                yield Place("dockyard.yaml", f"images.{image}.buildArguments.{name}"), f"the value of {name!r} {why}"


@check(
    "DY511",
    "every container names an image that can be read",
    why="The pod stays in InvalidImageName for ever, or the API server refuses it.",
    fix="Write [HOST/]NAME:TAG, the name in lower case.",
)
def unreadable_image(subject: Subject) -> Iterator[Hit]:
    """Find containers without an image, or with text that is no image reference."""
    for release, template, container in subject.containers():
        if image_of(container) is None:
            told = "names no image" if not container.content.get("image") else "names an image that is no reference"
            place = release.place(template.owner, f"{container.path}.image")
            yield place, f"container {container.content.get('name')!r} {told}"


@check(
    "DY512",
    "every secret is what dockyard.yaml says of it, and can be an environment variable",
    why="The release starts and then fails where the secret is used, or its containers cannot be started at all.",
    fix="Put a value into .env that has the length and form that dockyard.yaml asks for, or correct it there.",
)
def unsuitable_secret(subject: Subject) -> Iterator[Hit]:
    """Find secrets that are too short, too large, of another form, or no text."""
    return _faults(subject, Kind.SHORT, Kind.PATTERN, Kind.LARGE, Kind.UNUSABLE)


@check(
    "DY513",
    "no secret is easily guessed",
    severity=Severity.WARNING,
    why="It works, and it works for whoever tries the usual passwords too.",
    fix="Put a long random value into .env; where any will do, `generate: true` in dockyard.yaml lets `secrets.init` "
    "make it.",
)
def weak_secret(subject: Subject) -> Iterator[Hit]:
    """Find secrets that are short or of few different characters; of a URL its password counts."""
    return _faults(subject, Kind.WEAK)


@check(
    "DY514",
    "nobody but its owner may read .env",
    severity=Severity.WARNING,
    why="Every user of this machine, and every program that runs as one, can read the secrets in it.",
    fix="Run `chmod 600 .env`.",
)
def open_env_file(subject: Subject) -> Iterator[Hit]:
    """Find an .env that its group or everybody may read or write."""
    if subject.exposure:
        yield Place(ENV_FILE), subject.exposure.partition(";")[0]


def _faults(subject: Subject, *kinds: Kind) -> Iterator[Hit]:
    """Yield what is wrong with secrets, of some kinds, for each release that it concerns."""
    database = subject.project.database
    provided = {database.secret} if database else ()
    for fault in judge_all(subject.project.secrets(), subject.secrets, provided=provided):
        if fault.kind in kinds:
            for release in fault.releases:
                yield Place(ENV_FILE, fault.secret, release=release), f"{fault.secret} {fault.message}"


def _given(subject: Subject) -> set[str]:
    """Return the names of the secrets that have a value, or will have one."""
    database = subject.project.database
    return {name for name, value in subject.secrets.items() if value.strip()} | (
        {database.secret} if database else set()
    )


def _rendered_empty(release: ReleaseSubject, name: str) -> Iterator[Hit]:
    """Find a secret that has a value, and is empty in a Secret that the chart renders."""
    for there, content in release.manifests.objects.items():
        for part in ("data", "stringData") if there.kind == "Secret" else ():
            value = mapping(content.get(part)).get(name, "full")
            if value is None or (isinstance(value, str) and not value.strip()):
                yield release.place(there, f"{part}.{name}"), f"{name} has a value, and the chart leaves it empty"


def _sources(release: ReleaseSubject, template: PodTemplate, *, whole: bool = False) -> dict[str, set[str]]:
    """Return the names of what a release makes and its pods take variables from, by kind.

    Args:
        release: The release.
        template: The pods.
        whole: Whether only objects count that become variables as a whole.
    """
    found: dict[str, set[str]] = {}
    for container in template.containers():
        entries = list(mappings(container.content.get("envFrom")))
        if not whole:
            entries += [mapping(variable.get("valueFrom")) for variable in mappings(container.content.get("env"))]
        for entry in entries:
            for reference, kind in SOURCES.items():
                name = dig(entry, reference, "name")
                if isinstance(name, str) and ObjectName(kind, name) in release.manifests.objects:
                    found.setdefault(kind, set()).add(name)
    return found


def _follows(kind: str, keys: list[str]) -> bool:
    """Tell whether an annotation may follow objects of a kind: one that names another kind alone does not."""
    others = {word for other, words in NAMED_BY.items() if other != kind for word in words} - set(NAMED_BY[kind])
    return any(
        any(word in key.lower() for word in NAMED_BY[kind]) or not any(word in key.lower() for word in others)
        for key in keys
    )


def _build_time_keys(release: ReleaseSubject, kind: str, name: str) -> Iterator[Hit]:
    there = ObjectName(kind, name)
    for part in ("data", "stringData"):
        for key in mapping(dig(release.manifests.objects.get(there), part)):
            if str(key).startswith(BUILD_TIME):
                yield release.place(there, f"{part}.{key}"), f"{key} is read by the build"
