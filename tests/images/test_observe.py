"""Looking at images: their sources, and where an image of these is already."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from dockyard.images.bases import Base
from dockyard.images.observe import PROVISIONAL, Source, observe, recall, remember, sources, with_node
from dockyard.images.plan import UNKNOWN
from dockyard.model.errors import BuildError
from dockyard.model.project import ImageSpec, Project
from dockyard.model.tag import content_tag
from dockyard.tools.docker import ImageFacts

OFFICIAL = "python:3.13-slim"
BASE = Base(OFFICIAL, OFFICIAL, "sha256:base", fallback=False)


class Engine:
    """An engine that holds images.

    Attributes:
        asked: What it was asked for, question by question.
    """

    def __init__(self, *held: ImageFacts) -> None:
        self.asked: list[tuple[str, ...]] = []
        self._held = held

    def images_named(self, references: Sequence[str]) -> tuple[ImageFacts, ...]:
        """Return those of that name."""
        self.asked.append(tuple(references))
        return tuple(image for image in self._held if set(image.tags) & set(references))


def image(reference: str, *, digest: str = "sha256:base") -> ImageFacts:
    """Return an image."""
    return ImageFacts(digest, (reference,), 1, ())


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """A project of two images."""
    for name in ("web", "api"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "Dockerfile").write_text("ARG BASE_IMAGE\nFROM $BASE_IMAGE\n", encoding="utf-8")
        (tmp_path / name / "main.py").write_text(f"# {name}", encoding="utf-8")
    return tmp_path


def spec(name: str = "web", **more: object) -> dict[str, object]:
    """Return what dockyard.yaml says of an image."""
    return {"baseImage": OFFICIAL, "buildContext": name, "dockerfile": f"{name}/Dockerfile", **more}


def source(root: Path, base: Base | None = BASE, **more: Any) -> Source:  # noqa: ANN401 - any key
    """Return what the image is made from."""
    return Source(name="web", spec=ImageSpec.model_validate(spec(**more)), root=root, base=base)


def test_all_bases_are_one_question(root: Path) -> None:
    """Images that stand on the same one ask for it once; one that is not there stays unknown."""
    project = Project.model_validate({"name": "t", "images": {"web": spec(), "api": spec("api", baseImage="other:1")}})
    engine = Engine(image(OFFICIAL))
    web, api = sources(engine, project, ("web", "api"), root)
    assert (web.base, api.base) == (BASE, None)
    assert len(engine.asked) == 1


def test_a_source_is_where_the_project_says(root: Path) -> None:
    """The base image goes by the argument that dockyard.yaml names, a stand-in under its own name."""
    local = Base(OFFICIAL, "dockyard/python:3.13-slim", "sha256:2", fallback=True)
    found = source(root, local, baseImageArgument="PYTHON", buildArguments={"MODE": "fast"})
    assert (found.context, found.dockerfile) == (root / "web", root / "web/Dockerfile")
    assert found.arguments == {"MODE": "fast", "PYTHON": "dockyard/python:3.13-slim"}
    assert source(root, None).arguments == {"BASE_IMAGE": OFFICIAL}


def test_the_fingerprint_follows_what_an_image_is_made_from(root: Path) -> None:
    """Files, base and arguments; without a base nobody knows."""
    first = source(root).fingerprint()
    assert source(root).fingerprint() == first == source(root).fingerprint(source(root).files())
    assert source(root, None).fingerprint() == UNKNOWN
    moved = Base(OFFICIAL, OFFICIAL, "sha256:new", fallback=False)
    others = {source(root, moved).fingerprint(), source(root, buildArguments={"MODE": "fast"}).fingerprint()}
    (root / "web/main.py").write_text("changed", encoding="utf-8")
    others.add(source(root).fingerprint())
    assert len(others | {first}) == 4


def test_a_file_that_cannot_be_read_is_told(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """With its path."""

    def refuse(path: Path) -> bytes:
        raise PermissionError(13, "Permission denied", str(path))

    monkeypatch.setattr(Path, "read_bytes", refuse)
    with pytest.raises(BuildError, match=r"cannot be read\. Permission denied"):
        source(root).files()


def test_what_the_engine_has_is_one_question(root: Path, tmp_path: Path) -> None:
    """Under the tag that the sources have now; the node is not asked."""
    tag = content_tag(source(root).fingerprint())
    engine = Engine(image(f"web:{tag}", digest="sha256:web"))
    (seen,) = observe(engine, [source(root)], state=tmp_path / "state")
    assert (seen.name, seen.tag, seen.node, seen.node_known) == ("web", tag, "", False)
    assert seen.host is not None
    assert seen.host.id == "sha256:web"
    assert sorted(seen.files) == ["Dockerfile", "main.py"]
    assert seen.built is None
    assert engine.asked == [(f"web:{tag}",)]


def test_an_image_whose_base_is_not_there_has_a_tag_of_nothing(root: Path, tmp_path: Path) -> None:
    """So that its chart can be rendered for a plan; a release's tag is known all the same."""
    seen, released = observe(Engine(), [source(root, None), source(root, None, tag="v1.0.0")], state=tmp_path / "state")
    assert (seen.sources, seen.tag) == (UNKNOWN, content_tag(PROVISIONAL))
    assert released.tag == "v1.0.0"


def test_what_the_node_has_is_added(root: Path, tmp_path: Path) -> None:
    """An image that it lacks is known to be lacking."""
    (seen,) = observe(Engine(), [source(root)], state=tmp_path / "state")
    assert (with_node(seen, "sha256:1").node, with_node(seen, "").node_known) == ("sha256:1", True)


def test_what_was_built_last_is_remembered(root: Path, tmp_path: Path) -> None:
    """For the reason of the next build."""
    state = tmp_path / "state"
    assert recall(state, "web") is None
    remember(state, "web", {"main.py": "644 abc"})
    (seen,) = observe(Engine(), [source(root)], state=state)
    assert seen.built == recall(state, "web") == {"main.py": "644 abc"}


def test_the_name_of_an_image_may_have_folders(tmp_path: Path) -> None:
    """As references have: `team/web`."""
    remember(tmp_path, "team/web", {"main.py": "644 abc"})
    assert recall(tmp_path, "team/web") == {"main.py": "644 abc"}


@pytest.mark.parametrize("text", ["", "{", "[]", "null", "7"])
def test_a_memory_that_cannot_be_read_is_none(tmp_path: Path, text: str) -> None:
    """It is a cache: torn, it is worth nothing, and no traceback."""
    remember(tmp_path, "web", {})
    (tmp_path / "sources/web.json").write_text(text, encoding="utf-8")
    assert recall(tmp_path, "web") is None
