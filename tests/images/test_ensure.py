"""Images that follow their sources."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from dockyard.images.ensure import Source, check_size, ensure, plan_image, tag_for
from dockyard.model.errors import BuildError, RefusedError, ToolFailedError
from dockyard.model.events import Event
from dockyard.model.project import ImageSpec
from dockyard.tools.docker import FINGERPRINT, BuildOptions, Docker, ImageFacts

BASE = ("python:3.13-slim", "sha256:base")
SOURCES = "0123456789ab" * 5 + "cdef"
MB = 1_000_000


def spec(**more: object) -> ImageSpec:
    """Return what dockyard.yaml says of an image."""
    facts = {"baseImage": BASE[0], "buildContext": "app", "dockerfile": "app/Dockerfile"}
    return ImageSpec.model_validate({**facts, **more})


@pytest.fixture
def source(tmp_path: Path) -> Source:
    """Return an image's sources on the disk."""
    (tmp_path / "app").mkdir()
    (tmp_path / "app" / "Dockerfile").write_text("FROM scratch\nCOPY . /\n", encoding="utf-8")
    (tmp_path / "app" / "main.py").touch()
    return Source(name="app", spec=spec(), root=tmp_path, base=BASE)


@dataclass
class Engine:
    """An engine that holds images by name, and that makes them of a size.

    Attributes:
        size: Bytes of what it builds.
        error: What a build ends with.
        loses: Whether what it builds is not there afterwards.
        images: What it holds.
        built: What it was asked to build: context and options.
    """

    size: int = 100 * MB
    error: Exception | None = None
    loses: bool = False
    images: dict[str, ImageFacts] = field(default_factory=dict)
    built: list[tuple[Path, BuildOptions]] = field(default_factory=list)

    def image(self, reference: str) -> ImageFacts | None:
        """Return the image of that name."""
        return self.images.get(reference)

    def build(self, context: Path, options: BuildOptions, *, on_line: Callable[[str], None]) -> None:
        """Hold the image that the Dockerfile makes."""
        self.built.append((context, options))
        on_line("#5 [1/1] COPY . /")
        if self.error:
            raise self.error
        if not self.loses:
            for tag in options.tags:
                self.images[tag] = ImageFacts(f"sha256:{tag}", (tag,), self.size, (), options.labels)


def run(engine: Engine, source: Source) -> tuple[str, list[Event]]:
    """Ensure an image; return its reference and the events that stay."""
    events: list[Event] = []
    reference = ensure(engine, source, events.append, ca_bundle=None)
    return reference, [event for event in events if not event.passing]


def released(source: Source, tag: str) -> Source:
    """Return the same sources under a release's tag."""
    return Source(name=source.name, spec=spec(tag=tag), root=source.root, base=source.base)


def test_latest_follows_the_sources() -> None:
    """Each content has a tag of its own; a version is the tag that was given."""
    assert tag_for(spec(tag="latest"), SOURCES) == "0.0.0-0123456789ab"
    assert tag_for(spec(tag="v1.2.3"), SOURCES) == "v1.2.3"


def facts(sources: str) -> ImageFacts:
    """Return an image that was made from sources."""
    return ImageFacts("sha256:1", ("app:1.0.0",), MB, (), {FINGERPRINT: sources} if sources else {})


@pytest.mark.parametrize(
    ("there", "build", "reason"),
    [(None, True, "no image of these sources is there"), (facts("a"), False, "unchanged")],
    ids=["absent", "unchanged"],
)
def test_an_image_is_built_once(there: ImageFacts | None, reason: str, *, build: bool) -> None:
    """The plan says what is done and why."""
    action = plan_image("app", "1.0.0", "a", there)
    assert (action.build, action.reason, action.reference) == (build, reason, "app:1.0.0")


@pytest.mark.parametrize("sources", ["b", ""], ids=["other sources", "no label"])
def test_a_release_never_changes(sources: str) -> None:
    """Its tag is refused to other sources, with exit code 4, and to an image that is not known to be ours."""
    with pytest.raises(RefusedError, match=r"app:1\.0\.0 is there already.*Raise `tag`") as caught:
        plan_image("app", "1.0.0", "a", facts(sources))
    assert caught.value.exit_code == 4


def test_a_first_build(source: Source) -> None:
    """It gets base image, fingerprint, version and context, and says how large it became."""
    engine = Engine()
    reference, events = run(engine, source)
    ((context, options),) = engine.built
    assert context == source.root / "app"
    assert options.dockerfile == source.root / "app" / "Dockerfile"
    assert options.tags == (reference,)
    assert options.arguments == {"BASE_IMAGE": BASE[0]}
    assert options.labels[FINGERPRINT] == source.fingerprint()
    assert reference == f"app:{options.labels['org.opencontainers.image.version']}"
    assert events == [
        Event("app", "Building", "no image of these sources is there"),
        Event("app", "Built", f"{reference}, 100 MB"),
    ]


def test_nothing_is_built_twice(source: Source) -> None:
    """The second run says so, with the same reference."""
    engine = Engine()
    first, _ = run(engine, source)
    assert run(engine, source) == (first, [Event("app", "Unchanged", first)])
    assert len(engine.built) == 1


def test_a_change_is_another_image(source: Source) -> None:
    """Under `latest` the old one stays, so that a rollback finds it."""
    engine = Engine()
    first, _ = run(engine, source)
    (source.root / "app" / "main.py").write_text("print()", encoding="utf-8")
    second, _ = run(engine, source)
    assert first != second
    assert set(engine.images) == {first, second}


def test_another_base_is_another_image(source: Source) -> None:
    """The same name may mean another image tomorrow: its id counts."""
    engine = Engine()
    first, _ = run(engine, source)
    moved = Source(name="app", spec=source.spec, root=source.root, base=(BASE[0], "sha256:new"))
    assert run(engine, moved)[0] != first


def test_arguments_reach_the_build(source: Source) -> None:
    """The base image goes by the argument that dockyard.yaml names."""
    named = spec(baseImageArgument="PYTHON", buildArguments={"MODE": "fast"})
    engine = Engine()
    run(engine, Source(name="app", spec=named, root=source.root, base=BASE))
    assert engine.built[0][1].arguments == {"PYTHON": BASE[0], "MODE": "fast"}


def test_a_release_is_built_under_its_tag(source: Source) -> None:
    """Its second build from other sources is refused before anything is built."""
    engine = Engine()
    assert run(engine, released(source, "v1.0.0"))[0] == "app:v1.0.0"
    (source.root / "app" / "main.py").write_text("print()", encoding="utf-8")
    with pytest.raises(RefusedError):
        run(engine, released(source, "v1.0.0"))
    assert len(engine.built) == 1


@pytest.mark.parametrize(("size", "fits"), [(249_999_999, True), (250_000_000, False)])
def test_images_have_a_limit(size: int, *, fits: bool) -> None:
    """Less than 250 MB of 1,000,000 bytes (SC-006); that much is too much."""
    if fits:
        check_size("app:1", size)
    else:
        with pytest.raises(BuildError, match=r"app:1 has 250 MB.*less than 250 MB"):
            check_size("app:1", size)


def test_an_image_that_is_too_large_stays_too_large(source: Source) -> None:
    """Running again does not make it fit: it is refused when it was built, and whenever it is found."""
    engine = Engine(size=250 * MB)
    for _ in range(2):
        with pytest.raises(BuildError, match="SC-006"):
            run(engine, source)
    assert len(engine.built) == 1


def test_a_failed_build_is_told(source: Source) -> None:
    """Nothing is said to be built."""
    events: list[Event] = []
    engine = Engine(error=ToolFailedError(["docker", "buildx"], 1, "ERROR: no"))
    with pytest.raises(BuildError, match="could not be built"):
        ensure(engine, source, events.append, ca_bundle=None)
    assert "Built" not in {event.stage for event in events}


def test_an_image_that_vanished_is_told(source: Source) -> None:
    """A build that ends well and leaves nothing is an error."""
    with pytest.raises(BuildError, match="was built and is not in the engine"):
        run(Engine(loses=True), source)


@pytest.mark.docker
def test_a_real_image_follows_its_sources(engine: Docker, source: Source) -> None:
    """Built once, found again, and another one after a change."""
    references: list[str] = []
    events: list[Event] = []
    own = Source(name="dockyard-test-ensure", spec=source.spec, root=source.root, base=BASE)
    try:
        references.extend(ensure(engine, own, events.append, ca_bundle=None) for _ in range(2))
        (own.root / "app" / "main.py").write_text("print()", encoding="utf-8")
        references.append(ensure(engine, own, events.append, ca_bundle=None))
        assert references[0] == references[1] != references[2]
        assert len(engine.images_named(references)) == 3
        assert [event.stage for event in events if not event.passing] == [
            *("Building", "Built", "Unchanged", "Building", "Built"),
        ]
    finally:
        engine.remove_images(dict.fromkeys(references))
