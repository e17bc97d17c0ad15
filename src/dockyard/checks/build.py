"""Checks of Dockerfiles and build contexts: what would keep an image from being built as meant (DY6xx)."""

from __future__ import annotations

import re
from pathlib import PurePosixPath
from posixpath import normpath
from typing import TYPE_CHECKING

from dockyard.checks.catalogue import check
from dockyard.checks.dockerfile import Dockerfile, substitute
from dockyard.checks.finding import Place, Severity

if TYPE_CHECKING:
    from collections.abc import Iterator

    from dockyard.checks.dockerfile import Instruction
    from dockyard.checks.finding import Hit
    from dockyard.checks.subject import ImageSubject, Subject

ELSEWHERE = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*://|git@|\d*<<|.*[*?\[\\]")
"""Sources that need not be in the build context: addresses, here-documents, and patterns, since one that matches
nothing copies nothing, which Docker does not mind."""

EXAMPLES = (".example", ".sample", ".template", ".dist")
"""Ends of names of files that show what belongs into .env."""


@check(
    "DY601",
    "every image has a Dockerfile with a FROM",
    why="The image cannot be built, and so nothing of its release can be deployed.",
    fix="Correct `dockerfile` of the image in dockyard.yaml, or write the file.",
)
def no_dockerfile(subject: Subject) -> Iterator[Hit]:
    """Find Dockerfiles that are not there, are empty, or build nothing; why one cannot be read is DY001's."""
    for image in _readable(subject):
        if not image.dockerfile.strip():
            yield Place(image.spec.dockerfile), f"the Dockerfile of image {image.name} is not there, or empty"
        elif not Dockerfile.parse(image.dockerfile).stages:
            yield Place(image.spec.dockerfile), f"the Dockerfile of image {image.name} has no FROM"


@check(
    "DY602",
    "what a Dockerfile copies is in its build context",
    why="The build ends there, after all the steps before it (data-model.md, section 1).",
    fix="Correct the path, or let .dockerignore keep it: `!PATH` at its end.",
)
def missing_source(subject: Subject) -> Iterator[Hit]:
    """Find sources of COPY, ADD and bind mounts that Docker would not send; unknown variables are skipped."""
    for image in _readable(subject):
        parsed = Dockerfile.parse(image.dockerfile)
        folders = {str(parent) for file in image.files for parent in PurePosixPath(file).parents}
        for stage in parsed.built():
            for instruction, scope in parsed.scoped(stage, given(image)):
                for source in _sources(instruction):
                    known = substitute(source, scope)
                    if known is not None and not _is_there(image, folders, path := _below(known)):
                        place = Place(image.spec.dockerfile, f"{instruction.name} {source}", instruction.line)
                        yield place, _absence(image, path)


@check(
    "DY603",
    "no .env is in a build context",
    why="Docker sends it to the engine, and `COPY . .` puts its secrets into a layer of the image for ever.",
    fix="Write `**/.env*` into .dockerignore, and `!**/.env.example` below it where the example is needed.",
)
def env_file_sent(subject: Subject) -> Iterator[Hit]:
    """Find .env and .env.NAME that .dockerignore does not leave out; examples may be sent."""
    for image in subject.images:
        for file in sorted(image.files):
            if is_env_file(PurePosixPath(file).name):
                yield (
                    Place(normpath(f"{image.spec.build_context}/{file}")),
                    f"{file} is sent to the build of image {image.name}",
                )


@check(
    "DY604",
    "EXPOSE in the Dockerfile and exposedPorts in dockyard.yaml are the same",
    severity=Severity.WARNING,
    why="One of both is wrong about the port that the application listens on (data-model.md, section 1).",
    fix="Correct whichever is wrong.",
)
def other_ports(subject: Subject) -> Iterator[Hit]:
    """Find images that expose other ports; where a base alone may expose some, nothing is said."""
    for image in subject.images:
        exposed = Dockerfile.parse(image.dockerfile).exposed(given(image))
        if exposed is not None and exposed != set(image.spec.exposed_ports):
            there, wanted = (
                ", ".join(map(str, sorted(ports))) or "no port" for ports in (exposed, image.spec.exposed_ports)
            )
            told = f"the Dockerfile exposes {there}, and exposedPorts of image {image.name} has {wanted}"
            yield Place(image.spec.dockerfile, "EXPOSE"), told


@check(
    "DY605",
    "the base image's build argument is declared before the first FROM, and a FROM uses it",
    why="Docker ignores a build argument that nothing declares: the image would be built on another base than "
    "dockyard.yaml says.",
    fix="Write `ARG NAME=BASE` above the first FROM and `FROM ${NAME}`, or correct baseImageArgument in dockyard.yaml.",
)
def base_argument(subject: Subject) -> Iterator[Hit]:
    """Find Dockerfiles in which the argument of dockyard.yaml does nothing."""
    for image in subject.images:
        parsed, name = Dockerfile.parse(image.dockerfile), image.spec.base_image_argument
        declared = {word.partition("=")[0] for argument in parsed.arguments for word in argument.words}
        if parsed.stages and name not in declared:
            yield Place(image.spec.dockerfile), f"no ARG {name} is before the first FROM"
        elif parsed.stages and not any(re.search(rf"\$(\{{{name}\b|{name}\b)", stage.base) for stage in parsed.built()):
            yield Place(image.spec.dockerfile), f"ARG {name} is declared, and no FROM that is built uses it"


def is_env_file(name: str) -> bool:
    """Tell by its name whether a file holds the values of secrets; an example shows what belongs there."""
    return name == ".env" or (name.startswith(".env.") and not name.endswith(EXAMPLES))


def given(image: ImageSubject) -> dict[str, str]:
    """Return the build arguments that Dockyard gives for an image."""
    return {**image.spec.build_arguments, image.spec.base_image_argument: image.spec.base_image}


def _readable(subject: Subject) -> Iterator[ImageSubject]:
    return (image for image in subject.images if not image.unreadable)


def _sources(instruction: Instruction) -> Iterator[str]:
    """Yield the paths that an instruction takes from the build context."""
    if instruction.name in {"COPY", "ADD"} and not instruction.flag("from"):
        yield from (word for word in instruction.words[:-1] if not ELSEWHERE.match(word))
    for mount in instruction.mounts() if instruction.name == "RUN" else ():
        if mount.get("type", "bind") == "bind" and not mount.get("from"):
            yield mount.get("source") or mount.get("src") or "."


def _below(path: str) -> str:
    """Return a path below the context, where `/` and `..` lead to nowhere above it; empty for the context itself."""
    return normpath(f"/{path}").lstrip("/")


def _is_there(image: ImageSubject, folders: set[str], path: str) -> bool:
    return not path or path in image.files or path in folders


def _absence(image: ImageSubject, path: str) -> str:
    where = f"the build context {image.spec.build_context}"
    return f".dockerignore leaves {path!r} out of {where}" if path in image.left_out else f"{where} has no {path!r}"
