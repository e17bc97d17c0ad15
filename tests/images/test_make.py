"""Making the image of a service as it was planned."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from dockyard.images.bases import Base
from dockyard.images.make import make
from dockyard.images.observe import Source, observe, recall
from dockyard.images.plan import ImageAction, plan_image
from dockyard.model.errors import BuildError, ToolFailedError
from dockyard.model.project import ImageSpec
from dockyard.tools.docker import FINGERPRINT, BuildOptions, Docker, ImageFacts
from tests.fakes import FakeDocker, Recorder

BASE = Base("python:3.13-slim", "python:3.13-slim", "sha256:base", fallback=False)
SPEC = ImageSpec.model_validate(
    {"baseImage": BASE.requested, "buildContext": "app", "dockerfile": "app/Dockerfile", "tag": "latest"}
)
MB = 1_000_000


@dataclass
class Engine:
    """An engine that makes images of a size.

    Attributes:
        size: Bytes of what it builds.
        error: What a build ends with.
        loses: Whether what it builds is not there afterwards.
        meanwhile: Called while it builds.
        images: What it holds.
        built: What it was asked to build.
    """

    size: int = 100 * MB
    error: Exception | None = None
    loses: bool = False
    meanwhile: Callable[[], object] = lambda: None
    images: dict[str, ImageFacts] = field(default_factory=dict)
    built: list[tuple[Path, BuildOptions]] = field(default_factory=list)

    def image(self, reference: str) -> ImageFacts | None:
        """Return the image of that name."""
        return self.images.get(reference)

    def build(self, context: Path, options: BuildOptions, *, on_line: Callable[[str], None]) -> None:
        """Hold the image that the Dockerfile makes."""
        self.built.append((context, options))
        on_line("#5 [1/1] COPY . /")
        self.meanwhile()
        if self.error:
            raise self.error
        if not self.loses:
            for tag in options.tags:
                self.images[tag] = ImageFacts(f"sha256:{tag}", (tag,), self.size, (), options.labels)

    def remove_images(self, references: Iterable[str]) -> None:
        """Forget images."""
        for reference in references:
            del self.images[reference]


class Making:
    """The making of one image.

    Attributes:
        source: What it is made from.
        state: The folder of what can be made again.
        report: Who is told.
    """

    def __init__(self, root: Path) -> None:
        (root / "app").mkdir()
        (root / "app/Dockerfile").write_text("FROM scratch\nCOPY . /\n", encoding="utf-8")
        (root / "app/main.py").touch()
        self.source = Source(name="app", spec=SPEC, root=root, base=BASE)
        self.state, self.report = root / "state", Recorder()

    @property
    def action(self) -> ImageAction:
        """What is planned."""
        return plan_image(observe(FakeDocker(), [self.source], state=self.state)[0])

    def __call__(self, engine: Engine | Docker, *, ca_bundle: Path | None = None) -> ImageAction:
        """Make it as planned; return the plan."""
        action = self.action
        make(engine, self.source, action, self.report, state=self.state, ca_bundle=ca_bundle)
        return action


@pytest.fixture
def making(tmp_path: Path) -> Making:
    """An image's sources on the disk."""
    return Making(tmp_path)


def test_an_image_gets_all_that_it_is_made_from(making: Making) -> None:
    """Base, fingerprint, version and context; what is done is told with its reason, and its size at the end."""
    engine = Engine()
    action = making(engine)
    ((context, options),) = engine.built
    assert (context, options.dockerfile) == (making.source.context, making.source.dockerfile)
    assert (options.tags, options.arguments) == ((action.reference,), {"BASE_IMAGE": BASE.reference})
    assert options.labels[FINGERPRINT] == making.source.fingerprint()
    assert options.labels["org.opencontainers.image.version"] == action.tag
    assert making.report.lasting == [("app", "Building"), ("app", "Built")]
    assert [event.text for event in making.report.events if not event.passing] == [
        "no image of these sources is there",
        f"{action.reference}, 100 MB",
    ]


def test_the_files_are_remembered_for_the_next_reason(making: Making) -> None:
    """The next plan names what changed since."""
    making(Engine())
    (making.source.context / "main.py").write_text("print()", encoding="utf-8")
    assert making.action.reason == "1 file changed: main.py"


def test_the_machines_certificates_reach_the_build(making: Making, tmp_path: Path) -> None:
    """As a secret, and not as an argument that would stay in the image."""
    engine = Engine()
    making(engine, ca_bundle=tmp_path / "ca.pem")
    assert engine.built[0][1].secrets == (f"id=ca,src={tmp_path / 'ca.pem'}",)


def test_sources_that_change_while_they_are_built_are_told(making: Making) -> None:
    """Somebody saved a file: the tag would say what is not so, and the image goes."""
    main = making.source.context / "main.py"
    engine = Engine(meanwhile=lambda: main.write_text("print()", encoding="utf-8"))
    with pytest.raises(BuildError, match="The sources of app changed while it was built"):
        making(engine)
    assert engine.images == {}
    assert recall(making.state, "app") is None
    making(Engine())


def test_a_failed_build_is_told(making: Making) -> None:
    """Nothing is said to be built, and nothing remembered."""
    with pytest.raises(BuildError, match="could not be built"):
        making(Engine(error=ToolFailedError(["docker", "buildx"], 1, "ERROR: no")))
    assert making.report.lasting == [("app", "Building")]
    assert recall(making.state, "app") is None


def test_an_image_that_vanished_is_told(making: Making) -> None:
    """A build that ends well and leaves nothing is an error."""
    with pytest.raises(BuildError, match="was built and is not in the engine"):
        making(Engine(loses=True))


def test_an_image_that_is_too_large_is_told(making: Making) -> None:
    """With its size; it stays in the engine, where its layers can be looked at."""
    engine = Engine(size=250 * MB)
    with pytest.raises(BuildError, match=r"has 250 MB.*SC-006"):
        making(engine)
    assert len(engine.images) == 1
    assert recall(making.state, "app") is None


@pytest.mark.docker
def test_a_real_image_follows_its_sources(engine: Docker, making: Making) -> None:
    """Built, found again by its content's tag, and another one after a change."""
    own = Source(name="dockyard-test-make", spec=SPEC, root=making.source.root, base=BASE)
    making.source, made = own, list[str]()
    try:
        for text in ("", "print()"):
            (own.context / "main.py").write_text(text, encoding="utf-8")
            made.append(making(engine).reference)
            (seen,) = observe(engine, [own], state=making.state)
            assert seen.host is not None
            assert plan_image(seen).build is False
        assert made[0] != made[1]
    finally:
        engine.remove_images(made)
