"""Where base images come from."""

from __future__ import annotations

import os
import shutil
import threading
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from dockyard.assets import asset
from dockyard.images import bases
from dockyard.images.bases import (
    BaseFacts,
    Verb,
    canonical,
    fallback_fingerprint,
    make_root,
    plan_base,
    registry,
    resolve,
)
from dockyard.model.errors import BuildError, MachineError, ToolFailedError, ToolTimeoutError
from dockyard.model.events import Event, Report
from dockyard.tools.docker import FINGERPRINT, KIND, BuildOptions, Docker, ImageFacts
from dockyard.tools.process import run
from dockyard.tools.single_flight import SingleFlight

PYTHON, LOCAL_PYTHON = "python:3.13-slim", "dockyard/python:3.13-slim"
NO_HOST = (
    'Error response from daemon: Get "https://registry.invalid/v2/": dial tcp: lookup registry.invalid: no such host'
)
UNKNOWN = "Error response from daemon: manifest for python:3.13-slim not found: manifest unknown"


needs_apt = pytest.mark.skipif(
    shutil.which("apt-config") is None and not os.environ.get("CI"), reason="apt is Debian's and Ubuntu's"
)


def facts(reference: str, sources: str = "") -> ImageFacts:
    """Return an image of that name, made from those sources."""
    labels = {FINGERPRINT: sources} if sources else {}
    return ImageFacts(id=f"sha256:{reference}", tags=(reference,), size=1, layers=(), labels=labels)


@dataclass
class FakeEngine:
    """An engine that holds images by name.

    Attributes:
        images: What it holds.
        pulls: What each pull does, in order: an error, or None for success.
        calls: What it was asked to do.
        secrets: What the last build was given.
    """

    images: dict[str, ImageFacts] = field(default_factory=dict)
    pulls: list[Exception | None] = field(default_factory=list)
    says: str = ""
    calls: list[str] = field(default_factory=list)
    secrets: tuple[str, ...] = ()

    def image(self, reference: str) -> ImageFacts | None:
        """Return the image of that name."""
        return self.images.get(reference)

    def images_named(self, references: Sequence[str]) -> tuple[ImageFacts, ...]:
        """Return those of that name."""
        return tuple(self.images[name] for name in references if name in self.images)

    def pull(self, reference: str, *, timeout: float, on_line: Callable[[str], None] | None = None) -> None:
        """Do what the next pull is to do."""
        self.calls.append(f"pull {reference} {timeout:g}")
        if self.says and on_line is not None:
            on_line(self.says)
        error = self.pulls.pop(0)
        if error is not None:
            raise error
        self.images[reference] = facts(reference)

    def import_rootfs(self, archive: Path, reference: str, *, changes: Iterable[str] = ()) -> None:
        """Hold the image that the tar file makes."""
        self.calls.append(f"import {archive.read_text(encoding='utf-8')} {reference}")
        labels = dict(pair.split("=") for pair in list(changes)[-1].removeprefix("LABEL ").split())
        self.images[reference] = ImageFacts(f"sha256:{reference}", (reference,), 1, (), labels)

    def build(self, context: Path, options: BuildOptions, *, on_line: Callable[[str], None]) -> None:
        """Hold the image that the Dockerfile makes."""
        on_line(f"building in {context.name}")
        arguments = " ".join(f"{key}={value}" for key, value in options.arguments.items())
        self.calls.append(f"build {options.tags[0]} {arguments}")
        self.secrets = options.secrets
        (reference,) = options.tags
        self.images[reference] = ImageFacts(f"sha256:{reference}", (reference,), 1, (), options.labels)


def suite_only(suite: str, archive: Path, _report: Report) -> None:
    """Write a root file system that only says which suite it is."""
    archive.write_text(suite, encoding="utf-8")


def ask(engine: FakeEngine, image: str, silent: set[str] | None = None) -> tuple[bases.Base, list[Event]]:
    """Resolve an image with nothing remembered."""
    events: list[Event] = []
    known = set() if silent is None else silent
    base = resolve(engine, image, events.append, ca_bundle=None, silent=known, root_maker=suite_only)
    return base, events


def failed(stderr: str) -> ToolFailedError:
    """Return the error of a pull."""
    return ToolFailedError(["docker", "pull"], 1, stderr)


@pytest.mark.parametrize("name", ["python:3.13-slim", "library/python:3.13-slim", "docker.io/library/python:3.13-slim"])
def test_official_names_have_one_short_form(name: str) -> None:
    """The registry's host and the library folder are what an engine adds by itself."""
    assert canonical(name) == PYTHON


@pytest.mark.parametrize(
    ("name", "host"),
    [
        ("python:3.13-slim", "docker.io"),
        ("someone/app:1", "docker.io"),
        ("registry.invalid/app:1", "registry.invalid"),
        ("localhost/app", "localhost"),
        ("mirror:5000/app", "mirror:5000"),
    ],
)
def test_the_registry_is_the_first_part_that_looks_like_a_host(name: str, host: str) -> None:
    """A first part without dot, colon or `localhost` is a user's name."""
    assert registry(name) == host


@pytest.mark.parametrize(
    ("requested", "fallback", "refusal", "expected"),
    [
        (facts(PYTHON), facts(LOCAL_PYTHON, "now"), "", (Verb.USE, PYTHON)),
        (None, facts(LOCAL_PYTHON, "now"), "", (Verb.USE, LOCAL_PYTHON)),
        (None, facts(LOCAL_PYTHON, "old"), "", (Verb.PULL, PYTHON)),
        (None, None, "", (Verb.PULL, PYTHON)),
        (None, facts(LOCAL_PYTHON, "old"), "no such host", (Verb.BUILD, LOCAL_PYTHON)),
        (None, None, "no such host", (Verb.BUILD, LOCAL_PYTHON)),
    ],
    ids=["official wins", "fallback stays", "stale asks first", "absent asks first", "stale rebuilt", "absent built"],
)
def test_plan_takes_the_nearest_source(
    requested: ImageFacts | None, fallback: ImageFacts | None, refusal: str, expected: tuple[Verb, str]
) -> None:
    """The engine first, then a current fallback, then the registry, then a new fallback."""
    action = plan_base(BaseFacts(PYTHON, requested, fallback, "now", refusal))
    assert (action.verb, action.reference) == expected


def test_plan_names_the_fallbacks_of_other_images() -> None:
    """An unavailable image is an error that says what could be used instead."""
    with pytest.raises(BuildError, match=r"ruby:3 is unavailable.*no such host.*python:3\.13-slim, node:22-slim"):
        plan_base(BaseFacts("ruby:3", None, None, None, "no such host"))


def test_an_official_image_in_the_engine_is_taken_silently() -> None:
    """Nothing is pulled, built or told."""
    engine = FakeEngine({PYTHON: facts(PYTHON), LOCAL_PYTHON: facts(LOCAL_PYTHON)})
    base, events = ask(engine, PYTHON)
    assert (base.reference, base.id, base.fallback) == (PYTHON, f"sha256:{PYTHON}", False)
    assert (engine.calls, events) == ([], [])


def test_an_official_image_is_known_by_each_of_its_names() -> None:
    """The long name finds what the engine has under the short one, and the answer keeps what was asked."""
    base, _ = ask(FakeEngine({PYTHON: facts(PYTHON)}), f"docker.io/library/{PYTHON}")
    assert (base.requested, base.reference) == (f"docker.io/library/{PYTHON}", PYTHON)


def test_a_current_fallback_is_used_without_asking_the_registry() -> None:
    """A machine does not change its bases with its network."""
    engine = FakeEngine({LOCAL_PYTHON: facts(LOCAL_PYTHON, fallback_fingerprint(PYTHON))})
    base, events = ask(engine, PYTHON)
    assert (base.reference, base.id, base.fallback) == (LOCAL_PYTHON, f"sha256:{LOCAL_PYTHON}", True)
    assert (engine.calls, events) == ([], [])


def test_an_image_that_the_registry_gives_is_pulled() -> None:
    """No fallback is built if the registry answers."""
    engine = FakeEngine(pulls=[None])
    base, events = ask(engine, PYTHON)
    assert (base.reference, base.id, base.fallback) == (PYTHON, f"sha256:{PYTHON}", False)
    assert engine.calls == [f"pull {PYTHON} {bases.ANSWER:g}"]
    assert [event.stage for event in events] == ["Pulling", "Pulled"]


def test_a_pull_that_answers_slowly_gets_its_time() -> None:
    """A registry that has said something within the short limit is not taken for silent."""
    late = ToolTimeoutError(["docker", "pull"], bases.ANSWER)
    engine = FakeEngine(pulls=[late, None], says="3.13-slim: Pulling from library/python")
    base, _ = ask(engine, PYTHON)
    assert base.reference == PYTHON
    assert engine.calls == [f"pull {PYTHON} {bases.ANSWER:g}", f"pull {PYTHON} {bases.PULL:g}"]


def test_a_pull_that_never_ends_gives_way_to_the_fallback() -> None:
    """The registry answered, so it is not remembered as silent."""
    silent: set[str] = set()
    late = [ToolTimeoutError(["docker", "pull"], limit) for limit in (bases.ANSWER, bases.PULL)]
    engine = FakeEngine(pulls=list(late), says="3.13-slim: Pulling from library/python")
    assert ask(engine, PYTHON, silent)[0].fallback
    assert silent == set()


@pytest.mark.parametrize("error", [failed(NO_HOST), ToolTimeoutError(["docker", "pull"], bases.ANSWER)])
def test_a_silent_registry_is_asked_once_in_a_run(error: Exception) -> None:
    """The fallback of the next image is built at once."""
    silent: set[str] = set()
    engine = FakeEngine(pulls=[error])
    assert ask(engine, PYTHON, silent)[0].fallback
    assert ask(engine, "postgres:17", silent)[0].reference == "dockyard/postgres:17"
    assert [call for call in engine.calls if call.startswith("pull")] == [f"pull {PYTHON} {bases.ANSWER:g}"]
    assert silent == {"docker.io"}


def test_a_registry_that_refuses_one_image_is_asked_for_the_next() -> None:
    """`manifest unknown` is an answer: only the image is missing."""
    silent: set[str] = set()
    engine = FakeEngine(pulls=[failed(UNKNOWN)])
    assert ask(engine, PYTHON, silent)[0].fallback
    assert silent == set()


def test_what_is_there_is_one_question_and_nothing_is_had() -> None:
    """Official images and current fallbacks count, however many; what is missing is not pulled."""

    class Counting(FakeEngine):
        """An engine that counts the questions."""

        questions = 0

        def images_named(self, references: Sequence[str]) -> tuple[ImageFacts, ...]:
            """Count."""
            self.questions += 1
            return super().images_named(references)

    engine = Counting()
    ask(engine, "python:3.13-slim", {"docker.io"})
    engine.images["docker.io/library/other:1"] = engine.images["other:1"] = facts("other:1")
    stale = ImageFacts("sha256:old", ("dockyard/postgres:17",), 1, (), {FINGERPRINT: "old"})
    engine.images["dockyard/postgres:17"] = stale
    engine.calls.clear()
    engine.questions = 0
    names = ("python:3.13-slim", "docker.io/library/other:1", "postgres:17", "nowhere:1", "python:3.13-slim")
    found = bases.there(engine, names)
    assert list(found) == list(dict.fromkeys(names))
    python, other = found["python:3.13-slim"], found["docker.io/library/other:1"]
    assert python is not None
    assert other is not None
    assert (python.reference, python.fallback) == ("dockyard/python:3.13-slim", True)
    assert (other.requested, other.reference, other.fallback) == ("docker.io/library/other:1", "other:1", False)
    assert (found["postgres:17"], found["nowhere:1"]) == (None, None)
    assert (engine.questions, engine.calls) == (1, [])


def test_fallbacks_are_built_from_the_bottom_up() -> None:
    """Node's needs Python's, which needs Debian's; each is built once, under local names only, and labelled."""
    engine = FakeEngine(pulls=[failed(NO_HOST)])
    base, events = ask(engine, "node:22-slim")
    assert engine.calls[1:] == [
        "import trixie dockyard/debian:trixie-slim",
        "build dockyard/python:3.13-slim BASE_IMAGE=dockyard/debian:trixie-slim",
        "build dockyard/node:22-slim BASE_IMAGE=dockyard/debian:trixie-slim PYTHON_IMAGE=dockyard/python:3.13-slim",
    ]
    assert {image.labels[KIND] for image in engine.images.values()} == {"standin"}
    assert engine.images[base.reference].labels[FINGERPRINT] == fallback_fingerprint("node:22-slim")
    assert all(name.startswith("dockyard/") for name in engine.images)
    assert "no such host" in next(event.text for event in events if event.stage == "Building")


LIMIT = 20.0
"""Seconds after which threads that should have met never will."""


def ask_together(
    engine: FakeEngine, *images: str, root_maker: Callable[[str, Path, Report], None] = suite_only
) -> tuple[list[Future[bases.Base]], list[Event]]:
    """Resolve images in a thread each, on a machine that reaches no registry."""
    events: list[Event] = []
    with ThreadPoolExecutor(len(images)) as pool:
        futures = [
            pool.submit(
                resolve, engine, image, events.append, ca_bundle=None, silent={"docker.io"}, root_maker=root_maker
            )
            for image in images
        ]
    return futures, events


def test_images_that_are_asked_for_together_are_each_built_once() -> None:
    """The Debian below them is made by one thread while the others wait for it."""
    engine = FakeEngine()
    waiting = threading.Semaphore(0)

    class Waiting(SingleFlight[ImageFacts]):
        """Counts the threads that wait."""

        def do(self, key: str, work: Callable[[], ImageFacts], *, on_wait: Callable[[], None]) -> ImageFacts:
            """Count."""

            def wait() -> None:
                on_wait()
                waiting.release()

            return super().do(key, work, on_wait=wait)

    def slow(suite: str, archive: Path, report: Report) -> None:
        for _ in range(2):
            assert waiting.acquire(timeout=LIMIT)
        suite_only(suite, archive, report)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(bases, "BUILDING", Waiting())
        futures, events = ask_together(engine, PYTHON, "postgres:17", "debian:trixie-slim", root_maker=slow)
    assert {future.result().reference for future in futures} == {
        *("dockyard/debian:trixie-slim", LOCAL_PYTHON, "dockyard/postgres:17")
    }
    assert sorted(call.partition(" ")[0] for call in engine.calls) == ["build", "build", "import"]
    waits = {(event.text, event.passing) for event in events if event.stage == "Waiting"}
    assert waits == {("for dockyard/debian:trixie-slim", True)}


def test_images_with_their_bases_are_built_in_parallel() -> None:
    """Each of two builds goes on only once both have begun."""
    met = threading.Barrier(2, timeout=LIMIT)

    class Meeting(FakeEngine):
        """An engine whose builds wait for each other."""

        def build(self, context: Path, options: BuildOptions, *, on_line: Callable[[str], None]) -> None:
            """Meet, then build."""
            met.wait()
            super().build(context, options, on_line=on_line)

    debian = facts("dockyard/debian:trixie-slim", fallback_fingerprint("debian:trixie-slim"))
    futures, _ = ask_together(Meeting({debian.tags[0]: debian}), PYTHON, "postgres:17")
    assert all(future.result().fallback for future in futures)


def test_a_name_in_long_form_waits_for_the_same_image() -> None:
    """Both get the image under the name that they asked for."""
    engine = FakeEngine()
    long = f"docker.io/library/{PYTHON}"
    futures, _ = ask_together(engine, PYTHON, long)
    assert [future.result().requested for future in futures] == [PYTHON, long]
    assert len([call for call in engine.calls if call.startswith("build")]) == 1


def test_the_machines_certificates_are_a_secret_of_the_build(tmp_path: Path) -> None:
    """They are shown to RUN steps and stay in no layer."""
    engine = FakeEngine(pulls=[failed(NO_HOST)])
    silent: set[str] = set()
    bundle = tmp_path / "ca.crt"
    resolve(engine, PYTHON, lambda _: None, ca_bundle=bundle, silent=silent, root_maker=suite_only)
    assert engine.secrets == (f"id=ca,src={bundle}",)


@pytest.mark.parametrize(
    ("changed", "remade"),
    [
        ("scripts/debian-rootfs", {"debian:trixie-slim", "python:3.13-slim", "node:22-slim", "postgres:17"}),
        ("dockerfiles/standins/python.Dockerfile", {"python:3.13-slim", "node:22-slim"}),
        ("dockerfiles/standins/node/SHA512SUMS", {"node:22-slim"}),
        ("dockerfiles/standins/postgres/entrypoint", {"postgres:17"}),
    ],
)
def test_a_change_remakes_what_stands_on_it(
    changed: str, remade: set[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The fingerprint of a fallback covers its Dockerfile, the files it uses, and all fallbacks below it."""
    for name in (bases.CONTEXT, bases.SCRIPT):
        source, copy = asset(name), tmp_path / name
        copy.parent.mkdir(parents=True, exist_ok=True)
        (shutil.copytree if source.is_dir() else shutil.copy)(source, copy)
    monkeypatch.setattr(bases, "asset", lambda name: tmp_path / name)
    before = {image: fallback_fingerprint(image) for image in bases.FALLBACKS}
    with (tmp_path / changed).open("a", encoding="utf-8") as file:
        file.write("# changed\n")
    after = {image: fallback_fingerprint(image) for image in bases.FALLBACKS}
    assert {image for image in after if after[image] != before[image]} == remade


def test_two_releases_of_debian_are_two_fallbacks(monkeypatch: pytest.MonkeyPatch) -> None:
    """The release is a part of what a Debian is built from."""
    before = fallback_fingerprint("debian:trixie-slim")
    monkeypatch.setattr(bases, "FALLBACKS", {"debian:trixie-slim": bases.DebianRoot("forky")})
    assert fallback_fingerprint("debian:trixie-slim") != before


def test_missing_mmdebstrap_says_how_to_install_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where packages cannot be installed, one sentence says which command brings the program."""
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setattr("os.geteuid", lambda: 1000)
    with pytest.raises(MachineError, match="apt-get install mmdebstrap"):
        make_root("trixie", tmp_path / "root.tar", lambda _: None)


@needs_apt
@pytest.mark.process
def test_a_failing_mmdebstrap_is_a_build_error(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The error holds what mmdebstrap said last, and no half-made file is left to be imported."""
    program = tmp_path / "mmdebstrap"
    program.write_text("#!/bin/sh\necho E: mirror away >&2\nexit 1\n", encoding="utf-8")
    program.chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path), prepend=os.pathsep)
    monkeypatch.setenv("DOCKYARD_DEBIAN_MIRROR", "http://named.invalid/debian")
    with pytest.raises(BuildError, match=r"trixie-slim could not be built.*(mirror away|debian-archive-keyring)"):
        make_root("trixie", tmp_path / "root.tar", lambda _: None)
    assert not (tmp_path / "root.tar").exists()


class Apt:
    """An apt configuration in a folder of its own, as `debian-rootfs --sources` would read the machine's."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._parts = folder / "sources.list.d"
        self._parts.mkdir()
        self.write("sources.list", "")

    def write(self, name: str, text: str) -> None:
        """Write one file of sources."""
        folder = self._folder if name == "sources.list" else self._parts
        (folder / name).write_text(text, encoding="utf-8")

    def sources(self, suite: str, **environment: str) -> list[dict[str, str]]:
        """Return the stanzas that the image of a suite would get."""
        config = self._folder / "apt.conf"
        config.write_text(
            f'Dir::Etc::sourcelist "{self._folder}/sources.list";\nDir::Etc::sourceparts "{self._parts}";\n',
            encoding="utf-8",
        )
        told = {"APT_CONFIG": str(config), **environment}
        done = run(["sh", str(asset(bases.SCRIPT)), suite, "--sources"], timeout=20, environment=told)
        stanzas = done.stdout.strip().split("\n\n")
        return [dict(line.split(": ", 1) for line in stanza.splitlines()) for stanza in stanzas]


DEBIAN_KEYRING = "/usr/share/keyrings/debian-archive-keyring.gpg"


@pytest.fixture
def apt(tmp_path: Path) -> Apt:
    """Return an empty apt configuration."""
    return Apt(tmp_path)


@needs_apt
@pytest.mark.process
def test_sources_come_from_one_line_lists(apt: Apt) -> None:
    """Options, comments, source entries and closing slashes of the old format are understood."""
    apt.write(
        "sources.list",
        "# deb http://commented.invalid/debian bookworm main\n"
        "deb-src https://mirror.invalid/debian/ bookworm main\n"
        "deb [arch=amd64 signed-by=/etc/apt/keyrings/own.gpg] https://mirror.invalid/debian/ bookworm contrib main #\n"
        "deb [signed-by=/etc/apt/keyrings/own.gpg] https://mirror.invalid/security bookworm-security main\n",
    )
    main, security = apt.sources("trixie")
    assert main == {
        "Types": "deb",
        "URIs": "https://mirror.invalid/debian",
        "Suites": "trixie",
        "Components": "main",
        "Signed-By": "/etc/apt/keyrings/own.gpg",
    }
    assert (security["URIs"], security["Suites"]) == ("https://mirror.invalid/security", "trixie-security")


@needs_apt
@pytest.mark.process
def test_sources_come_from_deb822_files(apt: Apt) -> None:
    """Stanzas that are switched off, continued lines and several values of the new format are understood."""
    apt.write(
        "debian.sources",
        "Enabled: no\nTypes: deb\nURIs: http://off.invalid/debian\nSuites: bookworm\nComponents: main\n\n"
        "# the mirror\nTypes: deb deb-src\nURIs: http://on.invalid/debian\nSuites: stable\n stable-updates\n"
        "Components: main contrib\n",
    )
    (main,) = apt.sources("bookworm")
    assert (main["URIs"], main["Suites"]) == ("http://on.invalid/debian", "bookworm bookworm-updates")
    assert main["Signed-By"] == DEBIAN_KEYRING


@needs_apt
@pytest.mark.process
def test_lists_of_vendors_are_no_debian(apt: Apt) -> None:
    """A vendor's list may say `bookworm main` too: what Debian's keyring signs goes first, and other names never."""
    apt.write("a.list", "deb https://vendor.invalid/apt bookworm main\ndeb https://vendor.invalid/x nodistro main\n")
    apt.write(
        "z.sources",
        f"Types: deb\nURIs: http://on.invalid/d\nSuites: bookworm\nComponents: main\nSigned-By: {DEBIAN_KEYRING}\n",
    )
    assert [stanza["URIs"] for stanza in apt.sources("trixie")] == ["http://on.invalid/d"]


@needs_apt
@pytest.mark.process
def test_a_machine_without_debian_mirror_says_so(apt: Apt) -> None:
    """Another distribution's lists lead to no Debian; the error names the variable that does."""
    apt.write("sources.list", "deb http://archive.invalid/ubuntu noble main\n")
    with pytest.raises(ToolFailedError, match="DOCKYARD_DEBIAN_MIRROR"):
        apt.sources("trixie")
    (main,) = apt.sources("trixie", DOCKYARD_DEBIAN_MIRROR="http://named.invalid/debian")
    assert main["URIs"] == "http://named.invalid/debian"


@pytest.fixture(scope="module")
def made() -> Callable[[str], bases.Base]:
    """Return a function that gets a base image into the real engine."""
    docker = Docker()
    named = os.environ.get("SSL_CERT_FILE", "")
    bundle = Path(named) if named and Path(named).is_file() else None
    return lambda image: resolve(docker, image, lambda _: None, ca_bundle=bundle)


def within(base: bases.Base, *argv: str) -> str:
    """Return what a command says inside a base image."""
    return run(["docker", "run", "--rm", base.reference, *argv], timeout=60).stdout


@pytest.mark.docker
def test_python_base_is_python(made: Callable[[str], bases.Base]) -> None:
    """The base has CPython 3.13, pip and venv on the paths that Dockerfiles use."""
    version, pip, bundled = within(
        made(PYTHON),
        "sh",
        "-c",
        "python --version; pip --version; python3.13 -m ensurepip --version; python3 -m venv -h >&2",
    ).splitlines()
    assert version.startswith("Python 3.13.")
    assert (pip.split()[0], bundled.split()[0]) == ("pip", "pip")


@pytest.mark.docker
def test_node_base_is_node(made: Callable[[str], bases.Base]) -> None:
    """The base has Node.js 22, npm, and the user that the original has."""
    node, npm, user = within(made("node:22-slim"), "sh", "-c", "node -v; npm -v; id -u node").splitlines()
    assert node.startswith("v22.")
    assert npm.startswith("10.")
    assert user == "1000"


@pytest.mark.docker
def test_fallbacks_keep_the_official_names_free(made: Callable[[str], bases.Base]) -> None:
    """A fallback has local names only, and Dockyard's labels."""
    base = made(PYTHON)
    image = Docker().image(base.reference)
    assert image is not None
    assert image.id == base.id
    if base.fallback:
        assert image.tags == (LOCAL_PYTHON,)
        assert (image.labels[KIND], image.labels[FINGERPRINT]) == ("standin", fallback_fingerprint(PYTHON))
