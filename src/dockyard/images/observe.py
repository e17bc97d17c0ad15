"""Looking at images: what their sources are now, and where an image of these sources is already."""

from __future__ import annotations

import json
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from dockyard.images import bases
from dockyard.images.fingerprint import files, fingerprint_of
from dockyard.images.plan import UNKNOWN, ImageSeen, tag_for
from dockyard.model.errors import BuildError

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from dockyard.model.project import ImageSpec, Project

SOURCES = "sources"
"""The folder with what images were built from: a cache, so that a plan can name the files that changed."""

PROVISIONAL = "f" * 64
"""Stands for the fingerprint of an image whose base is not there yet, so that its chart can be rendered."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Source:
    """What an image is made from, looked up.

    Attributes:
        name: The image's name.
        spec: What dockyard.yaml says of it.
        root: The project's root; paths of the specification start there.
        base: The base image, or None where it is not in the engine.
    """

    name: str
    spec: ImageSpec
    root: Path
    base: bases.Base | None

    @property
    def context(self) -> Path:
        """The build context."""
        return self.root / self.spec.build_context

    @property
    def dockerfile(self) -> Path:
        """The Dockerfile."""
        return self.root / self.spec.dockerfile

    @property
    def arguments(self) -> Mapping[str, str]:
        """The build arguments, with the one that names the base image."""
        base = self.base.reference if self.base else self.spec.base_image
        return {**self.spec.build_arguments, self.spec.base_image_argument: base}

    def files(self) -> Mapping[str, str]:
        """Return what stands at each path of the build context.

        Raises:
            BuildError: A file cannot be read.
        """
        try:
            return files(self.context, self.dockerfile)
        except OSError as error:
            raise BuildError(f"{error.filename} cannot be read", why=error.strerror or "") from error

    def fingerprint(self, there: Mapping[str, str] | None = None) -> str:
        """Return the SHA-256 of all that the image is made from, or UNKNOWN where its base is not there.

        Args:
            there: What `files` returned, where that is known already.

        Raises:
            BuildError: A file cannot be read.
        """
        if self.base is None:
            return UNKNOWN
        context = self.files() if there is None else there
        return fingerprint_of(context, self.dockerfile, arguments=self.arguments, base_id=self.base.id)


def sources(engine: bases.Asked, project: Project, names: Sequence[str], root: Path) -> tuple[Source, ...]:
    """Return what images are made from; base images that are not in the engine stay unknown."""
    specs = {name: project.image(name) for name in names}
    there = bases.there(engine, [spec.base_image for spec in specs.values()])
    return tuple(Source(name=name, spec=spec, root=root, base=there[spec.base_image]) for name, spec in specs.items())


def observe(engine: bases.Asked, found: Sequence[Source], *, state: Path) -> tuple[ImageSeen, ...]:
    """Return what is known of each image on this machine; what the node has is not asked.

    Args:
        engine: The Docker engine.
        found: What they are made from.
        state: The folder of what can be made again.

    Raises:
        BuildError: A source cannot be read.
    """
    contents = [source.files() for source in found]
    prints = [source.fingerprint(there) for source, there in zip(found, contents, strict=True)]
    tags = [tag_for(source.spec, print_ or PROVISIONAL) for source, print_ in zip(found, prints, strict=True)]
    references = [f"{source.name}:{tag}" for source, tag in zip(found, tags, strict=True)]
    host = {tag: facts for facts in engine.images_named(references) for tag in facts.tags}
    return tuple(
        ImageSeen(
            name=source.name,
            tag=tag,
            sources=print_,
            host=host.get(reference),
            node_known=False,
            files=there,
            built=recall(state, source.name),
        )
        for source, there, print_, tag, reference in zip(found, contents, prints, tags, references, strict=True)
    )


def with_node(image: ImageSeen, node: str) -> ImageSeen:
    """Return what is known of an image, with the id that the node has under its tag: empty where it has none."""
    return replace(image, node=node, node_known=True)


def recall(state: Path, name: str) -> Mapping[str, str] | None:
    """Return the files that the image was built from last on this machine, or None."""
    try:
        kept: Mapping[str, str] = json.loads((state / SOURCES / f"{name}.json").read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return None
    return kept if isinstance(kept, dict) else None


def remember(state: Path, name: str, there: Mapping[str, str]) -> None:
    """Keep the files that an image was built from."""
    path = state / SOURCES / f"{name}.json"  # names may have folders of their own: team/backend
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(there), encoding="utf-8")
