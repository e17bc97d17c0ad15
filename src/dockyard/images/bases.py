"""Base images: pulled under their official names where possible, else fallbacks built from Debian packages.

A fallback has a name of its own (`dockyard/python:3.13-slim`): an official name never refers to anything but the
official image. Dockerfiles take their base image as a build argument. A fallback is labelled with the fingerprint of
its sources, including the images below it, and is built again when that changes.

Several threads may ask for base images at the same time. Each image is pulled or built once; different images are
pulled and built in parallel, and wait only for the images that they are built from.
"""

from __future__ import annotations

import hashlib
import re
from dataclasses import dataclass, field, replace
from enum import StrEnum
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Protocol

from dockyard.assets import asset
from dockyard.images.build import Builder, BuildSpec, build_image
from dockyard.images.fingerprint import fingerprint
from dockyard.machine.packages import ensure_package
from dockyard.model.errors import BuildError, ToolFailedError, ToolTimeoutError
from dockyard.model.events import Event
from dockyard.tools.docker import FINGERPRINT, KIND
from dockyard.tools.process import run
from dockyard.tools.single_flight import SingleFlight

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence

    from dockyard.model.events import Report
    from dockyard.tools.docker import ImageFacts

PREFIX = "dockyard/"
"""Prefix of a fallback's name; the official name follows."""

CONTEXT = "dockerfiles/standins"
SCRIPT = "scripts/debian-rootfs"
COMMAND = 'CMD ["bash"]'

ANSWER = 6.0
"""Seconds in which a registry must answer; Docker itself would wait up to half a minute."""

PULL = 900.0
"""Seconds for a whole pull."""

BOOTSTRAP = 900.0
"""Seconds for a Debian root file system; 20 with a nearby mirror."""

ANSWERED = re.compile(r"manifest unknown|manifest for .* not found|no matching manifest|denied|unauthorized|toomanyreq")
"""An error that only a registry gives; any other error means that none was reached."""

SILENT: set[str] = set()
"""Registries that could not be reached by this process; images that are asked for later do not try them again."""


@dataclass(frozen=True, slots=True)
class DebianRoot:
    """A fallback that is a minimal Debian.

    Attributes:
        suite: The Debian release.
    """

    suite: str


@dataclass(frozen=True, slots=True)
class Stacked:
    """A fallback that is built with a Dockerfile from other fallbacks.

    Attributes:
        dockerfile: Its name in dockerfiles/standins.
        bases: Build argument to the official name of the base image that it names.
    """

    dockerfile: str
    bases: Mapping[str, str] = field(default_factory=lambda: {"BASE_IMAGE": "debian:trixie-slim"})


FALLBACKS: Mapping[str, DebianRoot | Stacked] = {
    "debian:trixie-slim": DebianRoot("trixie"),
    "python:3.13-slim": Stacked("python.Dockerfile"),
    "node:22-slim": Stacked(
        "node.Dockerfile", {"BASE_IMAGE": "debian:trixie-slim", "PYTHON_IMAGE": "python:3.13-slim"}
    ),
    "postgres:17": Stacked("postgres.Dockerfile"),
}
"""How the fallback of each image is built, by the image's official name."""


@dataclass(frozen=True, slots=True)
class Base:
    """A base image that is in the engine.

    Attributes:
        requested: The name that was asked for.
        reference: The image to build from.
        id: `sha256:...` of the image.
        fallback: Whether it is a fallback, not the official image.
    """

    requested: str
    reference: str
    id: str
    fallback: bool


@dataclass(frozen=True, slots=True)
class BaseFacts:
    """What is known about a base image before it is decided where it comes from.

    Attributes:
        image: Its official name.
        requested: The official image in the engine, or None.
        fallback: Its fallback in the engine, or None.
        sources: The fingerprint that a fallback built now would have; None if the image has no fallback.
        refusal: Why it cannot be pulled; empty if that was not tried yet.
    """

    image: str
    requested: ImageFacts | None
    fallback: ImageFacts | None
    sources: str | None
    refusal: str


class Verb(StrEnum):
    """What is done to get a base image."""

    USE = "use"
    PULL = "pull"
    BUILD = "build"


@dataclass(frozen=True, slots=True)
class BaseAction:
    """What is done to get a base image, and why.

    Attributes:
        verb: What is done.
        reference: The image that is used, pulled or built.
        reason: Why.
        id: The image's id, if it is in the engine already.
    """

    verb: Verb
    reference: str
    reason: str
    id: str = ""


class Asked(Protocol):
    """The Docker engine, as far as looking for base images uses it."""

    def images_named(self, references: Sequence[str]) -> tuple[ImageFacts, ...]:
        """Return those of the images that are in the engine."""


class Engine(Builder, Asked, Protocol):
    """The Docker engine, as far as getting base images uses it."""

    def image(self, reference: str) -> ImageFacts | None:
        """Return the image of that name, or None."""

    def pull(self, reference: str, *, timeout: float, on_line: Callable[[str], None] | None = None) -> None:
        """Pull an image."""

    def import_rootfs(self, archive: Path, reference: str, *, changes: Iterable[str] = ()) -> None:
        """Make an image from a tar file."""


def canonical(image: str) -> str:
    """Return an image's short official name: `docker.io/library/python:3.13-slim` is `python:3.13-slim`."""
    return image.removeprefix("docker.io/").removeprefix("library/")


def registry(image: str) -> str:
    """Return the host of the registry that an image's name refers to."""
    first, slash, _ = image.partition("/")
    return first if slash and (first == "localhost" or "." in first or ":" in first) else "docker.io"


def fallback_fingerprint(image: str) -> str:
    """Return the SHA-256 of everything that a fallback is built from, including the fallbacks below it.

    Raises:
        BuildError: One of its files cannot be read.
    """
    made = FALLBACKS[image]
    if isinstance(made, DebianRoot):
        return hashlib.sha256(f"{made.suite}\n{COMMAND}\n".encode() + asset(SCRIPT).read_bytes()).hexdigest()
    below = " ".join(fallback_fingerprint(base) for base in made.bases.values())
    return fingerprint(asset(CONTEXT), asset(CONTEXT) / made.dockerfile, arguments=made.bases, base_id=below)


def plan_base(facts: BaseFacts) -> BaseAction:
    """Decide where a base image comes from.

    The official image wins if it is in the engine. Next comes a fallback of the current sources: once built it stays in
    use, so that a machine does not change its base images with its network. Then the registry, then a new fallback.

    Raises:
        BuildError: It is unavailable and has no fallback.
    """
    if facts.requested is not None:
        return BaseAction(Verb.USE, facts.image, "in the engine", facts.requested.id)
    if facts.fallback is not None and facts.fallback.labels.get(FINGERPRINT) == facts.sources:
        return BaseAction(Verb.USE, PREFIX + facts.image, "its fallback is in the engine", facts.fallback.id)
    if not facts.refusal:
        return BaseAction(Verb.PULL, facts.image, "not in the engine")
    if facts.sources is None:
        raise BuildError(
            f"The base image {facts.image} is unavailable",
            why=f"It is not in the engine and could not be pulled: {facts.refusal}",
            fix=f"Load it into the engine (`docker load`), or use one that has a fallback: {', '.join(FALLBACKS)}",
        )
    reason = "the sources of its fallback changed" if facts.fallback else f"it could not be pulled ({facts.refusal})"
    return BaseAction(Verb.BUILD, PREFIX + facts.image, reason)


def make_root(suite: str, archive: Path, report: Report) -> None:
    """Write the root file system of a Debian release to a tar file; mmdebstrap is installed for it if possible.

    Raises:
        MachineError: mmdebstrap is missing and cannot be installed.
        BuildError: The file could not be made.
    """
    reason = "fallbacks for base images are built with it when no registry answers"
    ensure_package("mmdebstrap", "mmdebstrap", report, reason=reason)
    try:
        run(["sh", str(asset(SCRIPT)), suite, str(archive)], timeout=BOOTSTRAP)
    except ToolFailedError as error:
        said = error.stderr.strip().splitlines()[-3:]
        raise BuildError(
            f"The fallback for debian:{suite}-slim could not be built",
            why="; ".join(said),
            fix="Make sure that `apt-get update` works on this machine, then run the same command again",
        ) from error


RESOLVING: SingleFlight[Base] = SingleFlight()
"""Official images that are looked for and pulled now, by name."""

BUILDING: SingleFlight[ImageFacts] = SingleFlight()
"""Fallbacks that are built now, by official name."""


def resolve(  # noqa: PLR0913 - two ports, and two that tests replace
    docker: Engine,
    image: str,
    report: Report,
    *,
    ca_bundle: Path | None,
    silent: set[str] = SILENT,
    root_maker: Callable[[str, Path, Report], None] = make_root,
) -> Base:
    """Get a base image into the engine: it is there already, is pulled, or is built as a fallback.

    Args:
        docker: The engine.
        image: The image, as its users name it.
        report: Receives events about pulls and builds; none if the image is there.
        ca_bundle: The machine's own CA certificates, for builds.
        silent: Registries known not to answer; added to.
        root_maker: Writes the root file system of a Debian release to a tar file.

    Raises:
        BuildError: It is unavailable, or its fallback cannot be built.
        MachineError: The machine lacks what a fallback is built with.
    """
    name = canonical(image)
    source = _Source(docker, report, ca_bundle, silent, root_maker)
    base = RESOLVING.do(name, lambda: source.resolve(name), on_wait=source.waiting(name, name))
    return replace(base, requested=image)


def there(docker: Asked, images: Iterable[str]) -> dict[str, Base | None]:
    """Return which base images are in the engine, by the names that were asked for; nothing is pulled or built.

    One call of the engine, however many there are.
    """
    wanted = tuple(dict.fromkeys(images))
    named = [name for image in wanted for name in _names(canonical(image))]
    found = docker.images_named(named)
    return {image: _used(image, _facts(canonical(image), found, "not tried")) for image in wanted}


def _used(image: str, facts: BaseFacts) -> Base | None:
    if facts.requested is None and facts.fallback is None:
        return None
    action = plan_base(facts)
    if action.verb is not Verb.USE:
        return None
    return Base(image, action.reference, action.id, fallback=action.reference != facts.image)


def _is_named(facts: ImageFacts, image: str) -> bool:
    """Whether an image has a name: with a tag, without one, with a digest, or its id."""
    tagged = image if ":" in image.rpartition("/")[2] else f"{image}:latest"
    return bool({image, tagged} & {*facts.tags, *facts.digests, facts.id})


def _names(image: str) -> tuple[str, ...]:
    return (image, PREFIX + image) if image in FALLBACKS else (image,)


def _facts(image: str, found: Sequence[ImageFacts], refusal: str) -> BaseFacts:
    known = image in FALLBACKS
    return BaseFacts(
        image=image,
        requested=next((facts for facts in found if _is_named(facts, image)), None),
        fallback=next((facts for facts in found if PREFIX + image in facts.tags), None),
        sources=fallback_fingerprint(image) if known else None,
        refusal=refusal,
    )


@dataclass(frozen=True, slots=True)
class _Source:
    """Where base images come from.

    Attributes:
        docker: The engine.
        report: Receives events.
        ca_bundle: The machine's own CA certificates, for builds.
        silent: Registries known not to answer.
        root_maker: Writes the root file system of a Debian release to a tar file.
    """

    docker: Engine
    report: Report
    ca_bundle: Path | None
    silent: set[str]
    root_maker: Callable[[str, Path, Report], None]

    def resolve(self, name: str) -> Base:
        """Return an image by its official name: as it is in the engine, pulled, or built."""
        refusal = f"{registry(name)} did not answer before" if registry(name) in self.silent else ""
        action = self._plan(name, refusal)
        if action.verb is Verb.PULL:
            action = self._plan(name, self._pull(name))
        if action.verb is Verb.BUILD:
            self.report(Event(name, "Building", f"{action.reference}: {action.reason}"))
            return Base(name, action.reference, self._fallback(name, name).id, fallback=True)
        return Base(name, action.reference, action.id, fallback=action.reference != name)

    def waiting(self, image: str, needed: str) -> Callable[[], None]:
        """Return a function that reports that an image waits for one that is being pulled or built."""
        return lambda: self.report(Event(image, "Waiting", f"for {needed}", passing=True))

    def _plan(self, name: str, refusal: str) -> BaseAction:
        return plan_base(_facts(name, self.docker.images_named(_names(name)), refusal))

    def _pull(self, image: str) -> str:
        """Pull an image; return why that failed, or an empty string.

        The first attempt is short, and long enough to see whether the registry answers; complete layers are kept.
        """
        answers: list[str] = []
        self.report(Event(image, "Pulling", "not in the engine", passing=True))
        for limit in (ANSWER, PULL):
            try:
                self.docker.pull(image, timeout=limit, on_line=answers.append)
            except ToolTimeoutError:
                if not answers:
                    self.silent.add(registry(image))
                    return f"no answer within {limit:g} s"
            except ToolFailedError as error:
                if not ANSWERED.search(error.stderr):
                    self.silent.add(registry(image))
                return error.stderr.strip().rpartition("\n")[2].removeprefix("Error response from daemon: ")
            else:
                self.report(Event(image, "Pulled", image))
                return ""
        return f"not pulled within {PULL:g} s"

    def _fallback(self, image: str, wanted_by: str) -> ImageFacts:
        """Return the fallback of the current sources, built if it is missing; another thread may be building it."""
        return BUILDING.do(image, lambda: self._ensure(image), on_wait=self.waiting(wanted_by, PREFIX + image))

    def _ensure(self, image: str) -> ImageFacts:
        sources = fallback_fingerprint(image)
        there = self.docker.image(PREFIX + image)
        if there is not None and there.labels.get(FINGERPRINT) == sources:
            return there
        made = FALLBACKS[image]
        if isinstance(made, DebianRoot):
            self._bootstrap(image, made, sources)
        else:
            self._build(image, made, sources)
        built = self.docker.image(PREFIX + image)
        if built is None:
            raise BuildError(f"The fallback {PREFIX}{image} was built and is not in the engine")
        self.report(Event(image, "Built", f"{PREFIX}{image}, {built.size / 1e6:.0f} MB"))
        return built

    def _bootstrap(self, image: str, made: DebianRoot, sources: str) -> None:
        text = f"{PREFIX}{image}: Debian {made.suite} from the mirror of this machine"
        self.report(Event(image, "Building", text, passing=True))
        with TemporaryDirectory(prefix="dockyard-") as folder:
            archive = Path(folder, "root.tar")
            self.root_maker(made.suite, archive, self.report)
            labels = f"LABEL {KIND}=standin {FINGERPRINT}={sources}"
            self.docker.import_rootfs(archive, PREFIX + image, changes=(COMMAND, labels))

    def _build(self, image: str, made: Stacked, sources: str) -> None:
        for base in made.bases.values():
            self._fallback(base, image)
        spec = BuildSpec(
            subject=image,
            reference=PREFIX + image,
            context=asset(CONTEXT),
            dockerfile=asset(CONTEXT) / made.dockerfile,
            arguments={argument: PREFIX + base for argument, base in made.bases.items()},
            kind="standin",
            fingerprint=sources,
            ca_bundle=self.ca_bundle,
        )
        build_image(self.docker, spec, self.report)
