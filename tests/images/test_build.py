"""Building one image, and what is read from BuildKit's progress."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from traceback import format_exception

import pytest

from dockyard.images.build import STEP_WIDTH, TAIL, BuildLog, BuildSpec, build_image
from dockyard.model.errors import BuildError, DockyardError, MachineError, StoppedError, ToolFailedError
from dockyard.model.events import Event, Progress
from dockyard.tools import stop
from dockyard.tools.docker import FINGERPRINT, KIND, BuildOptions, Docker

COMMAND = 'for i in $(seq 1 20); do echo line $i; done; echo "boom: no such thing" >&2; exit 3'
PROGRESS = f"""\
#0 building with "default" instance using docker driver

#1 [internal] load build definition from Dockerfile
#1 transferring dockerfile: 266B done
#1 DONE 0.0s

#4 [build 1/3] FROM docker.io/library/python:3.13-slim
#4 CACHED

#6 [build 3/3] RUN echo one; echo two >&2
#6 0.472 one
#6 0.472 two
#6 DONE 0.5s

#7 [stage-1 2/3] COPY --from=build /app /app
#7 DONE 0.0s

#8 [stage-1 3/3] RUN {COMMAND}
#8 0.379 boom: no such thing
{"".join(f"#8 0.379 line {at}{chr(10)}" for at in range(1, 21))}\
#8 ERROR: executor failed running [/bin/sh -c {COMMAND}]: exit code: 3
------
 > [stage-1 3/3] RUN {COMMAND}:
0.379 line 20
------
ERROR: failed to solve: executor failed running [/bin/sh -c {COMMAND}]: exit code: 3
"""
"""What a build said whose last step fails."""

MISSING = """\
#3 [internal] load build context
#3 DONE 0.0s
#4 [1/1] COPY missing /
#4 ERROR: "/missing" not found: not found
------
 > [1/1] COPY missing /:
------
ERROR: failed to solve: failed to compute cache key: "/missing" not found: not found
"""

BASE_STEP = "[linux/amd64 internal] load metadata for registry.invalid/x:1"
NO_BASE = f"""\
#3 {BASE_STEP}
#3 ERROR: failed to do request: dial tcp: lookup registry.invalid: no such host
------
 > [internal] load metadata for registry.invalid/x:1:
------
ERROR: failed to solve: rpc error: code = Unknown desc = no such host
"""

NO_DOCKERFILE = """\
#2 [internal] load .dockerignore
#2 DONE 0.0s
ERROR: failed to solve: dockerfile parse error line 1: unknown instruction: FRM
"""


def feed(progress: str) -> tuple[BuildLog, list[str]]:
    """Read progress; return the log and the steps it reported."""
    steps: list[str] = []
    log = BuildLog(lambda text, _: steps.append(text))
    for line in progress.splitlines():
        log.feed(line)
    return log, steps


def test_the_steps_of_the_dockerfile_are_reported() -> None:
    """What BuildKit does for itself is not, nor is what steps write."""
    assert feed(PROGRESS)[1] == [
        "[build 1/3] FROM docker.io/library/python:3.13-slim",
        "[build 3/3] RUN echo one; echo two >&2",
        "[stage-1 2/3] COPY --from=build /app /app",
        f"[stage-1 3/3] RUN {COMMAND}",
    ]


def test_looking_a_base_up_is_no_step_of_the_dockerfile() -> None:
    """A platform's slash does not make it one."""
    assert feed(NO_BASE)[1] == []


def test_a_failed_step_shows_its_last_lines() -> None:
    """The step comes first, then what it wrote last; other steps' output is not mixed in."""
    step, *lines = feed(PROGRESS)[0].failure().split("\n  ")
    assert step == f"[stage-1 3/3] RUN {COMMAND}"
    assert lines == [f"line {at}" for at in range(21 - TAIL, 21)]


@pytest.mark.parametrize(
    ("progress", "expected"),
    [
        (MISSING, '[1/1] COPY missing /\n  "/missing" not found: not found'),
        (
            NO_BASE,
            f"{BASE_STEP}\n  failed to do request: dial tcp: lookup registry.invalid: no such host",
        ),
        ("#9 exporting to image\n#9 ERROR: write: broken\n", "The build\n  write: broken"),
        (NO_DOCKERFILE, ""),
        ("", ""),
    ],
    ids=["copy", "base", "export", "no step", "silence"],
)
def test_a_step_that_wrote_nothing_shows_its_error(progress: str, expected: str) -> None:
    """Where no step failed, there is nothing to show."""
    assert feed(progress)[0].failure() == expected


def test_output_that_looks_like_progress_stays_output() -> None:
    """A step may print brackets and fractions."""
    log, steps = feed("#6 [2/2] RUN make\n#6 0.1 [3/9] compiling\n#6 0.2 #7 ERROR: mine\n#6 ERROR: exit code: 2\n")
    assert steps == ["[2/2] RUN make"]
    assert log.failure() == "[2/2] RUN make\n  [3/9] compiling\n  #7 ERROR: mine"


@dataclass
class Builder:
    """A builder that says its lines and then fails or not.

    Attributes:
        progress: What it says.
        error: What it ends with.
        asked: What it was given.
    """

    progress: str = PROGRESS
    error: Exception | None = None
    asked: list[tuple[Path, BuildOptions]] = field(default_factory=list)

    def build(self, context: Path, options: BuildOptions, *, on_line: Callable[[str], None]) -> None:
        """Say the lines."""
        self.asked.append((context, options))
        for line in self.progress.splitlines():
            on_line(line)
        if self.error:
            raise self.error


def spec(**more: object) -> BuildSpec:
    """Return what an image is built from."""
    facts = {"subject": "backend", "reference": "app:1", "context": Path("ctx"), "dockerfile": Path("d/app.Dockerfile")}
    return BuildSpec(**{**facts, **more})  # type: ignore[arg-type] # checked by the dataclass's own users


def test_a_build_gets_all_of_its_spec() -> None:
    """Dockyard's labels, further ones, arguments, and the machine's certificates as a secret."""
    builder = Builder()
    made = spec(
        arguments={"BASE_IMAGE": "base:1"},
        kind="node",
        fingerprint="abc",
        labels={"org.opencontainers.image.version": "1"},
        ca_bundle=Path("/ca.pem"),
    )
    build_image(builder, made, lambda _: None)
    ((context, options),) = builder.asked
    assert context == Path("ctx")
    assert options == BuildOptions(
        dockerfile=Path("d/app.Dockerfile"),
        tags=("app:1",),
        arguments={"BASE_IMAGE": "base:1"},
        labels={KIND: "node", FINGERPRINT: "abc", "org.opencontainers.image.version": "1"},
        secrets=("id=ca,src=/ca.pem",),
    )


def test_without_certificates_there_is_no_secret() -> None:
    """Most machines use the ones of the base image."""
    builder = Builder()
    build_image(builder, spec(), lambda _: None)
    assert builder.asked[0][1].secrets == ()


def test_steps_are_passing_events() -> None:
    """A screen shows the latest one only."""
    events: list[Event] = []
    build_image(Builder(), spec(), events.append)
    assert events[0] == Event(
        "backend",
        "Building",
        "[build 1/3] FROM docker.io/library/python:3.13-slim",
        passing=True,
        progress=Progress(1, 3, "steps"),
    )
    assert [event.progress for event in events] == [Progress(at, 3, "steps") for at in (1, 3, 2, 3)]
    assert all(event.passing for event in events)


@pytest.mark.parametrize(
    ("progress", "why"),
    [
        (MISSING, '[1/1] COPY missing /\n  "/missing" not found: not found'),
        (NO_DOCKERFILE, "ERROR: failed to solve: dockerfile parse error line 1: unknown instruction: FRM"),
    ],
    ids=["a step", "no step"],
)
def test_a_failed_build_says_why_and_what_to_do(progress: str, why: str) -> None:
    """The step's own words, or the last line where no step ran."""
    builder = Builder(progress, ToolFailedError(["docker", "buildx"], 1, progress))
    with pytest.raises(BuildError) as caught:
        build_image(builder, spec(), lambda _: None)
    assert caught.value.what == "The image app:1 could not be built"
    assert caught.value.why == why
    assert "app.Dockerfile" in caught.value.fix


def test_trouble_of_the_machine_is_not_the_dockerfiles() -> None:
    """A full disk or a silent engine stays what it is."""
    with pytest.raises(MachineError, match="full"):
        build_image(Builder(error=MachineError("The disk is full")), spec(), lambda _: None)


@pytest.mark.docker
def test_the_real_progress_is_understood(engine: Docker, tmp_path: Path) -> None:
    """The builder that is installed still writes what is read here; nothing is made by a build that fails."""
    dockerfile = tmp_path / "Dockerfile"
    dockerfile.write_text("FROM scratch\nCOPY Dockerfile /\nCOPY missing /\n", encoding="utf-8")
    events: list[Event] = []
    with pytest.raises(BuildError, match=r"COPY missing /\n.*/missing"):
        build_image(
            engine,
            spec(reference="dockyard-test-build:1", context=tmp_path, dockerfile=dockerfile),
            events.append,
        )
    assert "COPY missing /" in "".join(event.text for event in events)
    assert engine.image("dockyard-test-build:1") is None


def test_a_long_step_is_told_in_short() -> None:
    """A RUN instruction may be a page long; a line is enough to know it by."""
    (step,) = feed(f"#5 [build 2/3] RUN {'word  ' * 200}")[1]
    assert step.startswith("[build 2/3] RUN word word ")
    assert step.endswith(" ...")
    assert len(step) <= STEP_WIDTH


GO_BUILD = """\
#9 [kubernetes 4/4] RUN go build
#9 0.501 progress: 0/1234 go: downloading modules
#9 12.30 progress: 12/1234 k8s.io/api/core/v1
#9 12.31 progress: 13/1234 k8s.io/api/apps/v1 \r
#9 12.40 a warning about progress: 1/2
#9 12.50 main.go:3:8: undefined: x
#9 12.51 progress: 14/1234 k8s.io/client-go/rest
#9 ERROR: exit code: 1
"""
"""What a step writes that counts what it compiles."""


def test_the_progress_within_a_step_is_reported() -> None:
    """As passing events that count what the build says; other lines that mention progress are output."""
    events: list[Event] = []
    builder = Builder(GO_BUILD, ToolFailedError(["docker"], 1, GO_BUILD))
    with pytest.raises(BuildError):
        build_image(builder, spec(counted="packages"), events.append)
    assert [(event.text, event.progress) for event in events] == [
        ("[kubernetes 4/4] RUN go build", Progress(4, 4, "steps")),
        ("go: downloading modules", Progress(0, 1234, "packages")),
        ("k8s.io/api/core/v1", Progress(12, 1234, "packages")),
        ("k8s.io/api/apps/v1", Progress(13, 1234, "packages")),
        ("k8s.io/client-go/rest", Progress(14, 1234, "packages")),
    ]
    assert all(event.passing for event in events)


def test_progress_does_not_displace_the_error_of_a_step() -> None:
    """The last lines of a failed step are those that say why."""
    assert feed(GO_BUILD)[0].failure().splitlines()[1:] == [
        "  a warning about progress: 1/2",
        "  main.go:3:8: undefined: x",
    ]


def test_more_secrets_are_given_to_the_build() -> None:
    """By their ids, beside the machine's certificates."""
    builder = Builder()
    build_image(builder, spec(ca_bundle=Path("/ca.pem"), secrets={"goenv": Path("/proc/1/fd/9")}), lambda _: None)
    assert builder.asked[0][1].secrets == ("id=ca,src=/ca.pem", "id=goenv,src=/proc/1/fd/9")


SECRET = "proxy.example.com"  # noqa: S105 - of nobody
LEAKING = f"""\
#5 [2/3] RUN fetch {SECRET}
#5 0.1 progress: 1/2 {SECRET}/a
#5 0.2 no route to {SECRET}
#5 ERROR: {SECRET}
"""


def redact(text: str) -> str:
    """Remove the secret."""
    return text.replace(SECRET, "$PROXY")


@pytest.mark.parametrize(
    "error",
    [
        ToolFailedError(["docker"], 1, LEAKING),
        ToolFailedError(["docker"], 1, f"ERROR: {SECRET} refused"),
        MachineError(f"full at {SECRET}", why=SECRET, fix=SECRET),
    ],
    ids=["a step", "no step", "the machine"],
)
def test_a_secret_in_the_output_of_a_build_is_shown_nowhere(error: DockyardError) -> None:
    """Neither in an event nor in the error, nor in what the error came from."""
    events: list[Event] = []
    with pytest.raises(DockyardError) as caught:
        build_image(Builder(LEAKING, error), spec(redact=redact), events.append)
    assert "$PROXY" in str(caught.value)
    assert "$PROXY" in events[0].text
    assert SECRET not in f"{events}{''.join(format_exception(caught.value))}"


def test_an_error_can_be_explained() -> None:
    """By whoever knows what the program says that runs in the build; else the last lines are the reason."""

    def explain(output: str) -> DockyardError | None:
        return MachineError("No route") if "no route to $PROXY" in output else None

    for progress, expected in ((LEAKING, MachineError), (MISSING, BuildError)):
        builder = Builder(progress, ToolFailedError(["docker"], 1, progress))
        with pytest.raises(expected):
            build_image(builder, spec(redact=redact, explain=explain), lambda _: None)


def test_a_build_that_is_stopped_did_not_fail(monkeypatch: pytest.MonkeyPatch) -> None:
    """Ctrl-C ends BuildKit, whose exit code is then no error of the Dockerfile."""

    def stopped() -> None:
        raise StoppedError("Stopped")

    monkeypatch.setattr(stop, "check", stopped)
    with pytest.raises(StoppedError):
        build_image(Builder(MISSING, ToolFailedError(["docker"], -15, MISSING)), spec(), lambda _: None)
