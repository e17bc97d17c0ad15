"""Gathers what checks look at: charts rendered as a deploy would, twice, and the sources of images.

With `tracking`, the only module of this package that reads files and starts programs. What it meets there becomes
facts of the subject: a chart may be anything, and that something is wrong with it is a check's word.
"""

from __future__ import annotations

import os
import re
import stat
import tempfile
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from pathlib import Path
from posixpath import normpath
from typing import TYPE_CHECKING, Any

import yaml

from dockyard.charts.documents import read_documents
from dockyard.charts.manifests import Manifests, ObjectName
from dockyard.charts.render import values_for
from dockyard.charts.secret import secret_manifest
from dockyard.checks import lint, tracking, unread
from dockyard.checks.rules import lower
from dockyard.checks.subject import PROJECT_FILE, ImageSubject, ReleaseSubject, Subject
from dockyard.credentials import EXAMPLE
from dockyard.envfile import FILE, exposure
from dockyard.images.ignore import Ignore
from dockyard.model.errors import BuildError, DockyardError, ToolFailedError, ToolTimeoutError
from dockyard.model.redaction import Redactor
from dockyard.model.secret import Kind, judge_all
from dockyard.model.tag import LATEST
from dockyard.tools.helm import Helm

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from dockyard.checks.subject import Tracked
    from dockyard.model.cluster import Provider
    from dockyard.model.project import ImageSpec, Project, ReleaseSpec
    from dockyard.workspace import Workspace

SAMPLE_TAG = "0.0.0-000000abcdef"
"""Stands for a content tag: what an image will be called is known only once its base image is."""

SAMPLE_SECRET = "sample-of-a-secret"  # noqa: S105 - stands for one
"""Stands for a required secret that has no value yet, so that its chart renders; that it has none is a check's word."""

SAMPLE_DATABASE = "postgresql://sample:sample@database.invalid:5432/sample"
"""The same for the secret that the development database gives a value."""

LARGEST = 2_000_000
"""Bytes of a text that checks read; Kubernetes could not keep a release that is larger."""

WORKERS = (os.cpu_count() or 1) + 1
"""Calls of Helm at a time: one a core, and one that waits for its turn."""

CHART, DEFAULTS, TEMPLATES = "Chart.yaml", "values.yaml", "templates"

ADDED = ("config", "secrets")
"""What Dockyard adds to the values and a chart might not read; that it runs its image is a check of its own."""

COPY = re.compile(r"^[ \t]*(?:COPY|ADD)[ \t]+(.*)$", re.IGNORECASE | re.MULTILINE)
WORD = re.compile(r'[^\s\[\]",]+')


def look(
    workspace: Workspace,
    *,
    kubernetes_version: str | None = None,
    references: Mapping[str, str] | None = None,
    repository: bool = False,
) -> Subject:
    """Gather what checks look at in a workspace.

    Args:
        workspace: What to look at.
        kubernetes_version: Version of the target cluster; by default the cluster is asked for it.
        references: `name:tag` of the images, by name, where they are known.
        repository: Whether to look at what Git has, which takes a second more.
    """
    with ThreadPoolExecutor(1) as pool:
        asked = None if kubernetes_version else pool.submit(workspace.kubernetes_version)
        tracked = tracking.look(workspace.root, workspace.secrets) if repository else None
    return gather(
        workspace.project,
        root=workspace.root,
        helm=Helm(workspace.programs["helm"]),
        secrets=workspace.secrets,
        kubernetes_version=asked.result() if asked else kubernetes_version or "",
        provider=workspace.cluster.provider,
        references=references,
        tracked=tracked,
    )


def gather(  # noqa: PLR0913 - each is one source of facts
    project: Project,
    *,
    root: Path,
    helm: Helm,
    secrets: Mapping[str, str],
    kubernetes_version: str,
    provider: Provider | None = None,
    references: Mapping[str, str] | None = None,
    tracked: Tracked | None = None,
) -> Subject:
    """Render and read all that checks look at.

    Args:
        project: The project.
        root: Where its paths start.
        helm: The program; no cluster is asked.
        secrets: Values of secrets by name.
        kubernetes_version: Kubernetes version of the target cluster, passed to the templates; empty if it is unknown:
            Helm then uses its own, and the checks the newest.
        provider: What runs the target cluster; None if it is unknown.
        references: `name:tag` of the images, by name, where they are known.
        tracked: What Git has, where that is looked at.

    Raises:
        ToolMissingError: Helm is not there.
    """
    known = {**{name: f"{name}:{_tag(spec)}" for name, spec in project.images.items()}, **(references or {})}
    releases = [_read_release(name, project.release(name), root, known) for name in project.order()]
    fit = _fit(project, secrets)
    renderings = [
        _Rendering(
            helm=helm,
            release=release,
            root=root,
            secrets=_with_samples(project, release.spec, fit),
            reference=known.get(release.spec.image or ""),
            namespace=project.cluster.namespace,
            kubernetes_version=kubernetes_version,
        )
        for release in releases
    ]
    with ThreadPoolExecutor(WORKERS) as pool:
        linting = pool.submit(_lint, helm, renderings)
        rendered = [pool.submit(rendering.subject) for rendering in renderings]
        images = tuple(_read_image(name, spec, root) for name, spec in project.images.items())
        found = linting.result()
        return Subject(
            project=project,
            releases=tuple(replace(done.result(), lint=found.get(done.result().name, ())) for done in rendered),
            images=images,
            secrets={name: value for name, value in secrets.items() if value},
            exposure=exposure(root / FILE),
            example=_Reader(root).text(EXAMPLE) or "",
            tracked=tracked,
            kubernetes_version=kubernetes_version,
            provider=provider,
        )


def _tag(spec: ImageSpec) -> str:
    return SAMPLE_TAG if spec.tag == LATEST else spec.tag


def _with_samples(project: Project, spec: ReleaseSpec, secrets: Mapping[str, str]) -> dict[str, str]:
    """Return the secrets, with samples of those that a deploy would not start without."""
    samples = {name: SAMPLE_SECRET for name, use in spec.secrets.items() if use.required}
    if project.database is not None:
        samples[project.database.secret] = SAMPLE_DATABASE
    return {**samples, **secrets}


def _fit(project: Project, secrets: Mapping[str, str]) -> dict[str, str]:
    """Return the secrets with a value that a Secret can hold; the others are a check's word (DY512)."""
    faults = [fault for fault in judge_all(project.secrets(), secrets) if fault.kind in {Kind.LARGE, Kind.UNUSABLE}]
    unfit = {name for fault in faults for name in fault.secret.split(", ")}
    return {name: value for name, value in secrets.items() if value and name not in unfit}


class _UnreadableError(Exception):
    """A file cannot be read; the message says why."""


@dataclass(frozen=True, slots=True)
class _Reader:
    """Reads files of a project, and keeps why some cannot be read."""

    root: Path
    unreadable: dict[str, str] = field(default_factory=dict)

    def text(self, name: str) -> str | None:
        """Return the text of a file by its path below the root, or None."""
        try:
            return _text(self.root / name)
        except _UnreadableError as error:
            self.unreadable[name] = str(error)
            return None

    def mapping(self, name: str) -> Mapping[str, Any] | None:
        """Return the mapping that a YAML file holds, or None; an empty file holds an empty one."""
        text = self.text(name)
        if text is None:
            return None
        try:
            held: object = next((entry for entry in read_documents(text, "It") if entry is not None), {})
        except BuildError as error:
            self.unreadable[name] = lower(error.why)
            return None
        if not isinstance(held, dict):
            self.unreadable[name] = f"it holds a {type(held).__name__}, a mapping is needed"
            return None
        return held


def _text(path: Path) -> str:
    """Return the text of a file.

    Raises:
        _UnreadableError: It is not there, no file, too large, or not UTF-8. Nothing is opened that could block.
    """
    try:
        facts = path.stat()
        if not stat.S_ISREG(facts.st_mode):
            raise _UnreadableError("it is a folder" if stat.S_ISDIR(facts.st_mode) else "it is no regular file")
        if facts.st_size > LARGEST:
            raise _UnreadableError(f"it has {facts.st_size:,} bytes, more than {LARGEST:,}")
        return path.read_bytes().decode()
    except OSError as error:
        raise _UnreadableError(lower(error.strerror or type(error).__name__)) from None
    except UnicodeDecodeError as error:
        raise _UnreadableError(f"it is not UTF-8, byte {error.start} is {error.object[error.start]:#04x}") from None


def _read_release(name: str, spec: ReleaseSpec, root: Path, known: Mapping[str, str]) -> ReleaseSubject:
    """Read what a release is made from; nothing is rendered yet."""
    tag = known[spec.image].rpartition(":")[2] if spec.image else ""
    if not (root / spec.chart / CHART).exists():
        failure = f"There is no {CHART} in {spec.chart}"
        return ReleaseSubject(name=name, spec=spec, chart={}, manifests=Manifests({}), failure=failure, tag=tag)
    reader = _Reader(root)
    chart = reader.mapping(f"{spec.chart}/{CHART}")
    defaults = f"{spec.chart}/{DEFAULTS}"
    files = [*([defaults] if (root / defaults).exists() else []), *spec.values]
    texts = {file: reader.text(file) for file in files if reader.mapping(file) is not None}
    templates = {file: reader.text(file) for file in _templates(root, spec.chart)}
    return ReleaseSubject(
        name=name,
        spec=spec,
        chart=chart or {},
        manifests=Manifests({}),
        unreadable=reader.unreadable,
        templates={file: text for file, text in templates.items() if text is not None},
        values={file: text for file, text in texts.items() if text is not None},
        tag=tag,
    )


def _templates(root: Path, chart: str) -> Iterator[str]:
    for folder, folders, files in os.walk(root / chart / TEMPLATES):
        folders.sort()
        below = Path(folder).relative_to(root / chart).as_posix()
        yield from (f"{chart}/{below}/{file}" for file in sorted(files))


@dataclass(frozen=True, slots=True, kw_only=True)
class _Rendering:
    """Renders one release with changing values.

    Attributes:
        helm: The program.
        release: What was read of the release.
        root: Where the project's paths start.
        secrets: Values of secrets, samples among them; in no repr.
        reference: `name:tag` of its image, or None.
        namespace: Where it will be installed.
        kubernetes_version: Kubernetes version that templates see.
    """

    helm: Helm
    release: ReleaseSubject
    root: Path
    secrets: Mapping[str, str] = field(repr=False)
    reference: str | None
    namespace: str
    kubernetes_version: str

    @property
    def chart(self) -> Path:
        """The chart's folder."""
        return self.root / self.release.spec.chart

    @property
    def values(self) -> Mapping[str, Any]:
        """What Dockyard adds to the values."""
        return values_for(self.release.spec, self.reference, self.secrets)

    def subject(self) -> ReleaseSubject:
        """Return the release with what it renders to, or with the reason why it does not."""
        if self.release.failure or self.release.unreadable:
            return self.release
        try:
            text, again = self._text(), self._text()
            manifests = self._manifests(text)
            if again != text:  # and what values change cannot be seen
                return replace(self.release, manifests=manifests, repeated=self._manifests(again))
            unread_files = tuple(name for name in self.release.spec.values if self._is_same(text, leaving_out=name))
            return replace(
                self.release,
                manifests=manifests,
                repeated=manifests,
                unread=unread_files,
                unread_keys=dict(self._unread_keys(text, besides=unread_files)),
            )
        except (ToolFailedError, ToolTimeoutError, BuildError) as error:
            return replace(self.release, failure=_said(error, Redactor(self.secrets)))

    def lint(self, alone: tuple[str, ...]) -> tuple[str, ...]:
        """Return what `helm lint` finds with the release's values.

        Args:
            alone: What it finds in the chart by itself; this stands where Helm does not end, or says nothing.
        """
        try:
            done = self.helm.lint([self.chart], self.values, files=self._files())
        except ToolTimeoutError:
            return alone
        return lint.read(Redactor(self.secrets).redact(f"{done.stdout}\n{done.stderr}")).get(str(self.chart), alone)

    def _manifests(self, text: str) -> Manifests:
        """Return what is sent: what the chart renders to, and the Secret that Dockyard writes beside it."""
        rendered, spec = Manifests.parse(text), self.release.spec
        if spec.existing_secret is None:
            return rendered
        own = {ObjectName("Secret", spec.existing_secret): secret_manifest(self.release.name, spec, self.secrets)}
        return Manifests({**rendered.objects, **own}, rendered.sources, rendered.repeated, rendered.hooks)

    def _text(self, files: Sequence[Path] | None = None, values: Mapping[str, Any] | None = None) -> str:
        return self.helm.template(
            self.release.name,
            self.chart,
            self.values if values is None else values,
            files=self._files() if files is None else files,
            namespace=self.namespace,
            kubernetes_version=self.kubernetes_version,
        )

    def _files(self, *, without: str = "", instead: Sequence[Path] = ()) -> list[Path]:
        names = self.release.spec.values
        return [path for name in names for path in (instead if name == without else (self.root / name,))]

    def _is_same(
        self,
        text: str,
        *,
        leaving_out: str = "",
        instead: Sequence[Path] = (),
        values: Mapping[str, Any] | None = None,
    ) -> bool:
        """Tell whether other values render to the same; what does not render without a value reads it."""
        try:
            return self._text(self._files(without=leaving_out, instead=instead), values) == text
        except (ToolFailedError, ToolTimeoutError):
            return False

    def _unread_keys(self, text: str, *, besides: Sequence[str]) -> Iterator[tuple[str, tuple[str, ...]]]:
        """Yield each source of values with its keys that change nothing."""
        added = {name: value for name, value in self.values.items() if name in ADDED}
        if (keys := self._suspects(added)) and self._is_same(text, values=unread.without(self.values, keys)):
            yield PROJECT_FILE, tuple(map(".".join, keys))
        for name in self.release.spec.values:
            held = {} if name in besides else _Reader(self.root).mapping(name) or {}
            if (keys := self._suspects(held)) and self._is_same_without(text, name, unread.without(held, keys)):
                yield name, tuple(map(".".join, keys))

    def _suspects(self, values: Mapping[str, Any]) -> tuple[unread.Key, ...]:
        listed = self.release.chart.get("dependencies")
        dependencies = [entry for entry in listed if isinstance(entry, dict)] if isinstance(listed, list) else []
        elsewhere = {str(entry.get(key)) for entry in dependencies for key in ("name", "alias")}
        return unread.suspects(values, self.release.templates.values(), elsewhere=elsewhere)

    def _is_same_without(self, text: str, name: str, less: Mapping[str, Any]) -> bool:
        with tempfile.TemporaryDirectory() as folder:
            instead = Path(folder, "values.yaml")
            instead.write_text(yaml.safe_dump(less), encoding="utf-8")
            return self._is_same(text, leaving_out=name, instead=[instead])


NOISE = re.compile(r"^(?:level=.*|Use --debug flag .*|)$\n?", re.MULTILINE)


def _said(error: DockyardError, redactor: Redactor) -> str:
    """Return what Helm says is wrong, on one line, without values: they go while their own blanks are there."""
    if not isinstance(error, ToolFailedError):
        return redactor.redact(f"{error.what}: {error.why}".removesuffix(": "))
    return " ".join(NOISE.sub("", redactor.redact(error.stderr)).split()).removeprefix("Error: ")


def _lint(helm: Helm, renderings: Sequence[_Rendering]) -> dict[str, tuple[str, ...]]:
    """Return what `helm lint` finds, by release.

    All charts are looked at in one call, since most of a call's time is Helm's own start. What is found fault with may
    be sound with the values that it is installed with: that is looked at again with these.
    """
    asked = [one for one in renderings if not (one.release.failure or one.release.unreadable)]
    if not asked:
        return {}
    try:
        done = helm.lint(list(dict.fromkeys(one.chart for one in asked)))
        found, end = lint.read(f"{done.stdout}\n{done.stderr}"), f"it ended with {done.returncode}"
    except ToolTimeoutError as error:
        found, end = {}, error.what
    missing = (f"{lint.ERROR} `helm lint`, one call for all charts, said nothing of this one: {end}",)
    return {
        one.release.name: missing if (alone := found.get(str(one.chart))) is None else alone and one.lint(alone)
        for one in asked
    }


def _read_image(name: str, spec: ImageSpec, root: Path) -> ImageSubject:
    reader = _Reader(root)
    dockerfile = reader.text(spec.dockerfile) or ""
    files = frozenset(_sent(reader, spec))
    folders = {str(parent) for file in files for parent in Path(file).parents}
    named = {path for path in _copied(dockerfile) if path not in files and path not in folders}
    context = root / spec.build_context
    return ImageSubject(
        name=name,
        spec=spec,
        dockerfile=dockerfile,
        files=files,
        left_out=frozenset(path for path in named if os.path.lexists(context / path)),
        unreadable=reader.unreadable,
    )


def _sent(reader: _Reader, spec: ImageSpec) -> Iterator[str]:
    """Yield the paths of a build context that Docker would send."""
    context = reader.root / spec.build_context
    if not context.is_dir():
        reader.unreadable[spec.build_context] = "it is no folder" if context.exists() else "no such folder"
        return
    try:
        yield from map(str, Ignore.of(context, reader.root / spec.dockerfile).files(context))
    except OSError as error:
        reader.unreadable[f"{spec.build_context}/.dockerignore"] = lower(error.strerror or type(error).__name__)


def _copied(dockerfile: str) -> Iterator[str]:
    """Yield the paths of the build context that a Dockerfile may name; those from other stages are left out."""
    for found in COPY.findall(dockerfile.replace("\\\n", " ")):
        words = WORD.findall(found)
        if not any(word.startswith("--from=") for word in words):
            paths = (normpath(word).lstrip("/") for word in words if not word.startswith("--"))
            yield from (path for path in paths if path and not path.startswith(".."))
