"""Base images: as they are named where they can be had, else stand-ins made from Debian's packages.

A stand-in has a name of its own (`dockyard/python:3.13-slim`): an official name never means anything else than the
official image. Dockerfiles take their base as a build argument. A stand-in carries the fingerprint of what it is made
from, down to the Debian below it, and is made again when that changes.
"""

from __future__ import annotations

import hashlib
import re
import threading
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Protocol

from dockyard.assets import asset
from dockyard.images.build import Builder, Recipe, build
from dockyard.images.fingerprint import fingerprint
from dockyard.machine.packages import ensure_package
from dockyard.model.errors import BuildError, ToolFailedError, ToolTimeoutError
from dockyard.model.events import Event
from dockyard.tools.docker import FINGERPRINT, KIND
from dockyard.tools.process import run

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence

    from dockyard.model.events import Report
    from dockyard.tools.docker import ImageFacts

PREFIX = "dockyard/"
"""What stands before an official name in the stand-in's name."""

CONTEXT = "dockerfiles/standins"
SCRIPT = "scripts/debian-rootfs"
COMMAND = 'CMD ["bash"]'

ANSWER = 6.0
"""Seconds in which a registry must say something; Docker itself would wait up to half a minute."""

PULL = 900.0
"""Seconds for a whole pull."""

BOOTSTRAP = 900.0
"""Seconds for the root file system of a Debian; 20 with a near mirror."""

ANSWERED = re.compile(r"manifest unknown|manifest for .* not found|no matching manifest|denied|unauthorized|toomanyreq")
"""A refusal that only a registry gives; any other failure means that none was reached."""

MAKING = threading.Lock()
"""Held by the thread that has a base image; others wait for it."""

SILENT: set[str] = set()
"""Registries that could not be reached in this run: asked once, not for every image."""


@dataclass(frozen=True, slots=True)
class DebianRoot:
    """A stand-in that is a small Debian.

    Attributes:
        suite: The Debian release.
    """

    suite: str


@dataclass(frozen=True, slots=True)
class Stacked:
    """A stand-in that a Dockerfile makes from other stand-ins.

    Attributes:
        dockerfile: Its name in dockerfiles/standins.
        bases: Build argument to the official name of the image that it takes.
    """

    dockerfile: str
    bases: Mapping[str, str] = field(default_factory=lambda: {"BASE_IMAGE": "debian:trixie-slim"})


STAND_INS: Mapping[str, DebianRoot | Stacked] = {
    "debian:bookworm-slim": DebianRoot("bookworm"),
    "debian:trixie-slim": DebianRoot("trixie"),
    "python:3.13-slim": Stacked("python.Dockerfile"),
    "node:22-slim": Stacked(
        "node.Dockerfile", {"BASE_IMAGE": "debian:trixie-slim", "PYTHON_IMAGE": "python:3.13-slim"}
    ),
    "postgres:17": Stacked("postgres.Dockerfile"),
}
"""What there is a stand-in for, by official name."""


@dataclass(frozen=True, slots=True)
class Base:
    """A base image that is in the engine.

    Attributes:
        requested: What was asked for.
        reference: What to build from.
        id: `sha256:...` of the image.
        stand_in: Whether it is not the official image.
    """

    requested: str
    reference: str
    id: str
    stand_in: bool


@dataclass(frozen=True, slots=True)
class BaseFacts:
    """What is known when it is decided where a base image comes from.

    Attributes:
        image: What was asked for.
        requested: That image in the engine, or None.
        stand_in: Its stand-in in the engine, or None.
        sources: The fingerprint that a stand-in would have today; None where the image has no stand-in.
        refusal: Why the registry does not give the image; empty where it was not asked yet.
    """

    image: str
    requested: ImageFacts | None
    stand_in: ImageFacts | None
    sources: str | None
    refusal: str


class Verb(StrEnum):
    """What is done to have a base image."""

    USE = "use"
    PULL = "pull"
    BUILD = "build"


@dataclass(frozen=True, slots=True)
class BaseAction:
    """What is done to have a base image, and why.

    Attributes:
        verb: What is done.
        reference: The image that it is done to.
        reason: Why.
        id: The image's id, where it is in the engine already.
    """

    verb: Verb
    reference: str
    reason: str
    id: str = ""


class Asked(Protocol):
    """What looking asks of the Docker engine."""

    def images_named(self, references: Sequence[str]) -> tuple[ImageFacts, ...]:
        """Return those of the images that are in the engine."""


class Engine(Builder, Asked, Protocol):
    """What this module asks of the Docker engine."""

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
    """Return the host that an image's name leads to."""
    first, slash, _ = image.partition("/")
    return first if slash and (first == "localhost" or "." in first or ":" in first) else "docker.io"


def stand_in_sources(image: str) -> str:
    """Return the SHA-256 of all that a stand-in is made from, its own bases included.

    Raises:
        BuildError: A file of it cannot be read.
    """
    made = STAND_INS[image]
    if isinstance(made, DebianRoot):
        return hashlib.sha256(f"{made.suite}\n{COMMAND}\n".encode() + asset(SCRIPT).read_bytes()).hexdigest()
    below = " ".join(stand_in_sources(base) for base in made.bases.values())
    return fingerprint(asset(CONTEXT), asset(CONTEXT) / made.dockerfile, arguments=made.bases, base_id=below)


def plan_base(facts: BaseFacts) -> BaseAction:
    """Decide where a base image comes from.

    The official image wins where it is in the engine. Then a stand-in of today's sources: once made it stays in use, so
    that a machine does not change its bases with its network. Then the registry, then a new stand-in.

    Raises:
        BuildError: It cannot be had, and there is no stand-in for it.
    """
    if facts.requested is not None:
        return BaseAction(Verb.USE, facts.image, "in the engine", facts.requested.id)
    if facts.stand_in is not None and facts.stand_in.labels.get(FINGERPRINT) == facts.sources:
        return BaseAction(Verb.USE, PREFIX + facts.image, "its stand-in is in the engine", facts.stand_in.id)
    if not facts.refusal:
        return BaseAction(Verb.PULL, facts.image, "not in the engine")
    if facts.sources is None:
        raise BuildError(
            f"The base image {facts.image} cannot be had",
            why=f"Not in the engine, and the registry: {facts.refusal}",
            fix=f"Bring it into the engine (`docker load`), or use one that has a stand-in: {', '.join(STAND_INS)}",
        )
    changed = "the sources of its stand-in changed" if facts.stand_in else f"no registry gives it ({facts.refusal})"
    return BaseAction(Verb.BUILD, PREFIX + facts.image, changed)


def make_root(suite: str, archive: Path, report: Report) -> None:
    """Write the root file system of a Debian as a tar file; mmdebstrap is installed for it where that can be done.

    Raises:
        MachineError: mmdebstrap is not there and cannot be installed.
        BuildError: It could not be made.
    """
    reason = "stand-ins for base images are made with it where no registry answers"
    ensure_package("mmdebstrap", "mmdebstrap", report, reason=reason)
    try:
        run(["sh", str(asset(SCRIPT)), suite, str(archive)], timeout=BOOTSTRAP)
    except ToolFailedError as error:
        said = error.stderr.strip().splitlines()[-3:]
        raise BuildError(
            f"The stand-in for debian:{suite}-slim could not be made",
            why="; ".join(said),
            fix="See that `apt-get update` works on this machine, then run the same command again",
        ) from error


def resolve(  # noqa: PLR0913 - two ports beside what is asked, with who is told
    docker: Engine,
    image: str,
    report: Report,
    *,
    ca_bundle: Path | None,
    silent: set[str] = SILENT,
    root_maker: Callable[[str, Path, Report], None] = make_root,
) -> Base:
    """Have a base image in the engine: there already, pulled, or as a stand-in.

    Args:
        docker: The engine.
        image: The image as its users name it.
        report: Told of pulls and builds; nothing is told where nothing is done.
        ca_bundle: The machine's certificates for builds, where they are its own.
        silent: Registries known not to answer; added to.
        root_maker: Writes the root file system of a Debian suite to a tar file.

    Raises:
        BuildError: It cannot be had, or its stand-in cannot be built.
        MachineError: The machine lacks what a stand-in is made with.
    """
    name = canonical(image)
    with MAKING:  # others stand on the same Debian, and it is made with a package manager that takes no second caller
        return _have(docker, image, name, report, ca_bundle=ca_bundle, silent=silent, root_maker=root_maker)


def _have(  # noqa: PLR0913 - as above
    docker: Engine,
    image: str,
    name: str,
    report: Report,
    *,
    ca_bundle: Path | None,
    silent: set[str],
    root_maker: Callable[[str, Path, Report], None],
) -> Base:
    refusal = f"{registry(name)} did not answer before" if registry(name) in silent else ""
    action = plan_base(_observe(docker, name, refusal))
    if action.verb is Verb.PULL:
        refusal = _pull(docker, name, report, silent)
        action = plan_base(_observe(docker, name, refusal))
    if action.verb is Verb.BUILD:
        report(Event(name, "Building", f"{action.reference}: {action.reason}"))
        made = _StandIns(docker, report, ca_bundle, root_maker).ensure(name)
        return Base(image, action.reference, made.id, stand_in=True)
    return Base(image, action.reference, action.id, stand_in=action.reference != name)


def there(docker: Asked, images: Iterable[str]) -> dict[str, Base | None]:
    """Return those base images that are in the engine, by the name that was asked for; nothing is had that is not.

    One question to the engine, whatever their number.
    """
    wanted = tuple(dict.fromkeys(images))
    named = [name for image in wanted for name in _names(canonical(image))]
    found = docker.images_named(named)
    return {image: _used(image, _facts(canonical(image), found, "nobody asked")) for image in wanted}


def _used(image: str, facts: BaseFacts) -> Base | None:
    if facts.requested is None and facts.stand_in is None:
        return None
    action = plan_base(facts)
    if action.verb is not Verb.USE:
        return None
    return Base(image, action.reference, action.id, stand_in=action.reference != facts.image)


def _is_named(facts: ImageFacts, image: str) -> bool:
    """Tell whether an image has a name, which may be a tag, one without a tag, a digest, or the id."""
    tagged = image if ":" in image.rpartition("/")[2] else f"{image}:latest"
    return bool({image, tagged} & {*facts.tags, *facts.digests, facts.id})


def _names(image: str) -> tuple[str, ...]:
    return (image, PREFIX + image) if image in STAND_INS else (image,)


def _observe(docker: Engine, image: str, refusal: str) -> BaseFacts:
    return _facts(image, docker.images_named(_names(image)), refusal)


def _facts(image: str, found: Sequence[ImageFacts], refusal: str) -> BaseFacts:
    known = image in STAND_INS
    return BaseFacts(
        image=image,
        requested=next((facts for facts in found if _is_named(facts, image)), None),
        stand_in=next((facts for facts in found if PREFIX + image in facts.tags), None),
        sources=stand_in_sources(image) if known else None,
        refusal=refusal,
    )


def _pull(docker: Engine, image: str, report: Report, silent: set[str]) -> str:
    """Pull an image; return why that failed, or an empty string.

    The first try is short, and enough to learn whether anybody answers; whole layers that it got are not sent again.
    """
    heard: list[str] = []
    report(Event(image, "Pulling", "not in the engine", passing=True))
    for limit in (ANSWER, PULL):
        try:
            docker.pull(image, timeout=limit, on_line=heard.append)
        except ToolTimeoutError:
            if not heard:
                silent.add(registry(image))
                return f"no answer within {limit:g} s"
        except ToolFailedError as error:
            if not ANSWERED.search(error.stderr):
                silent.add(registry(image))
            return error.stderr.strip().rpartition("\n")[2].removeprefix("Error response from daemon: ")
        else:
            report(Event(image, "Pulled", image))
            return ""
    return f"not pulled within {PULL:g} s"


@dataclass(frozen=True, slots=True)
class _StandIns:
    """Makes stand-ins, each after those that it stands on."""

    docker: Engine
    report: Report
    ca_bundle: Path | None
    root_maker: Callable[[str, Path, Report], None]

    def ensure(self, image: str) -> ImageFacts:
        """Return the stand-in of today's sources, made where it is not there."""
        sources = stand_in_sources(image)
        there = self.docker.image(PREFIX + image)
        if there is not None and there.labels.get(FINGERPRINT) == sources:
            return there
        made = STAND_INS[image]
        if isinstance(made, DebianRoot):
            self._bootstrap(image, made, sources)
        else:
            self._build(image, made, sources)
        built = self.docker.image(PREFIX + image)
        if built is None:
            raise BuildError(f"The stand-in {PREFIX}{image} was made and is not in the engine")
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
            self.ensure(base)
        recipe = Recipe(
            subject=image,
            reference=PREFIX + image,
            context=asset(CONTEXT),
            dockerfile=asset(CONTEXT) / made.dockerfile,
            arguments={argument: PREFIX + base for argument, base in made.bases.items()},
            kind="standin",
            fingerprint=sources,
            ca_bundle=self.ca_bundle,
        )
        build(self.docker, recipe, self.report)
