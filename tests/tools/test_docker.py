"""What is made of the engine's words: recorded ones, said by a fake docker."""

from __future__ import annotations

import json
import os
import signal
import subprocess
from collections.abc import Callable
from datetime import UTC, datetime
from itertools import pairwise
from pathlib import Path
from typing import Any, NoReturn

import pytest

from dockyard.model.errors import MachineError, ToolFailedError
from dockyard.tools import docker
from dockyard.tools.docker import BuildOptions, Docker, LayerFacts
from tests.tools.fake import Fake

pytestmark = pytest.mark.process

RECORDED = Path(__file__).parent / "recorded"
"""What Docker 20.10 says of an image with labels and ports, and of a container while it runs and after it was stopped;
the digests are numbered instead."""

SILENT = "Cannot connect to the Docker daemon at unix:///var/run/docker.sock. Is the docker daemon running?"
FULL = "write /var/lib/docker/tmp/x: no space left on device"
FOREVER = "Error response from daemon: something else"

Use = Callable[[Docker], object]


def recorded(name: str) -> str:
    """Return a record."""
    return (RECORDED / name).read_text(encoding="utf-8")


def number(at: int) -> str:
    """Return a numbered digest."""
    return f"sha256:{at:064x}"


@pytest.fixture
def fake(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Fake:
    """Return a fake docker, first on PATH."""
    made = Fake(tmp_path / "bin", "docker")
    monkeypatch.setenv("PATH", str(made.folder), prepend=os.pathsep)
    return made


def test_an_image_is_read(fake: Fake) -> None:
    """Id, names, size, layers, labels, TCP ports and time are those of the record."""
    fake.answer("image", "inspect", "app:1", out=recorded("image.json"))
    image = Docker().image("app:1")
    assert image is not None
    assert image.id == number(1)
    assert image.tags == ("dockyard-test-record:1", "dockyard-test-record:2")
    assert image.size == 109_736_258
    assert len(image.layers) == 2
    assert all(layer.startswith("sha256:") for layer in image.layers)
    assert image.labels == {"dev.dockyard.kind": "image", "dev.dockyard.fingerprint": "abc"}
    assert image.exposed_ports == (443, 8000)
    assert image.created == datetime(2026, 11, 23, 21, 39, 5, 565607, tzinfo=UTC)


def test_an_image_may_lack_what_is_optional(fake: Fake) -> None:
    """A nameless image from an import has no names, labels, ports and time."""
    fake.answer("image", "inspect", out=[{"Id": "sha256:1", "RepoTags": None, "Size": 0, "RootFS": {}, "Config": None}])
    image = Docker().image("sha256:1")
    assert image is not None
    assert (image.tags, image.layers, image.labels, image.exposed_ports, image.created) == ((), (), {}, (), None)


@pytest.mark.parametrize(
    ("facts", "by_manifest"),
    [
        ({}, False),
        ({"RepoDigests": ["app@sha256:2"]}, False),
        ({"RepoDigests": ["app@sha256:1"]}, True),
        ({"Descriptor": {"digest": "sha256:1"}}, True),
        ({"Descriptor": None, "RepoDigests": None}, False),
    ],
    ids=["built here", "pulled", "containerd store, an older engine", "containerd store", "nothing"],
)
def test_an_id_may_be_that_of_a_manifest(fake: Fake, facts: dict[str, Any], *, by_manifest: bool) -> None:
    """As in Docker's containerd image store, by the documentation of its API: no such engine was there to record."""
    fake.answer("image", "inspect", out=[{"Id": "sha256:1", "RepoTags": None, "Size": 0, "Config": None, **facts}])
    image = Docker().image("sha256:1")
    assert image is not None
    assert image.by_manifest is by_manifest


def test_an_image_may_be_absent(fake: Fake) -> None:
    """The engine's error for that is an answer."""
    fake.answer("image", "inspect", out="[]", err="Error: No such image: app:1", code=1)
    assert Docker().image("app:1") is None


def test_those_of_some_images_that_are_there(fake: Fake) -> None:
    """One call for all; the engine names those it has and complains of the others."""
    fake.answer("image", "inspect", out=recorded("image.json"), err="Error: No such image: b:1", code=1)
    assert [image.id for image in Docker().images_named(["a:1", "b:1"])] == [number(1)]
    assert fake.call.argv == ("image", "inspect", "a:1", "b:1")


def test_no_images_cost_no_call(fake: Fake) -> None:
    """Asked for nothing, the engine would answer with an error."""
    assert Docker().images_named([]) == ()
    assert fake.calls == ()


def test_images_are_found_by_kind(fake: Fake) -> None:
    """An image of two names is listed twice and asked for once."""
    fake.answer("image", "ls", out="aa\naa\nbb\n")
    fake.answer("image", "inspect", out="[]")
    Docker().images_labelled("standin")
    listed, inspected = fake.calls
    assert listed.argv == ("image", "ls", "--quiet", "--filter", "label=dev.dockyard.kind=standin")
    assert inspected.argv == ("image", "inspect", "aa", "bb")


def test_no_images_of_a_kind(fake: Fake) -> None:
    """Nothing is asked for then."""
    assert Docker().images_labelled("node") == ()
    assert len(fake.calls) == 1


def test_a_history_is_read(fake: Fake) -> None:
    """The newest step comes first; sizes are bytes."""
    fake.answer("history", out=recorded("history.jsonl"))
    steps = Docker().history("app:1")
    assert steps[0] == LayerFacts('CMD ["sleep" "600"]', 0)
    assert [step.size for step in steps if step.size] == [32_863_335, 76_872_923]
    assert fake.call.argv == ("history", "--no-trunc", "--human=false", "--format", "{{json .}}", "app:1")


def test_a_running_container_is_read(fake: Fake) -> None:
    """A port that is exposed only is there without addresses; an equals sign in a value stays."""
    fake.answer("container", "inspect", "db", out=recorded("container.json"))
    container = Docker().container("db")
    assert container is not None
    assert (container.name, container.running, container.exit_code) == ("dockyard-test-record", True, 0)
    assert (container.image_id, container.id) == (number(1), f"{4:064}")
    assert container.labels["dev.dockyard.kind"] == "database"
    assert {"hunter2=x", ""} < set(container.environment.values())
    assert {"PASSWORD", "EMPTY"} < set(container.environment)
    assert container.ports == {443: (), 8000: ("127.0.0.1:18123",)}
    assert container.networks == {"dockyard-test-record": "192.168.80.2"}


def test_a_stopped_container_is_read(fake: Fake) -> None:
    """It has its exit code, and neither ports nor addresses any more."""
    fake.answer("container", "inspect", out=recorded("stopped.json"))
    container = Docker().container("db")
    assert container is not None
    assert (container.running, container.exit_code) == (False, 137)
    assert (container.ports, container.networks) == ({}, {"dockyard-test-record": ""})


def test_an_environment_is_in_no_text(fake: Fake) -> None:
    """It holds passwords; a record may be in a log or a traceback."""
    fake.answer("container", "inspect", out=recorded("container.json"))
    assert "hunter2" not in repr(Docker().container("db"))


def test_containers_are_found_by_their_labels(fake: Fake) -> None:
    """All labels count, and stopped ones are listed too."""
    fake.answer("container", "ls", out="one-relay-31000\none-relay-31001\n")
    assert Docker().containers_labelled({"kind": "relay", "of": "one"}) == ("one-relay-31000", "one-relay-31001")
    assert fake.call.argv[2:7] == ("--all", "--filter", "label=kind=relay", "--filter", "label=of=one")


def test_a_container_may_be_absent(fake: Fake) -> None:
    """The engine's error for that is an answer."""
    fake.answer("container", "inspect", out="[]", err="Error: No such container: db", code=1)
    assert Docker().container("db") is None


CALLS: dict[str, Use] = {
    "version": Docker.version,
    "data root": Docker.data_root,
    "image": lambda docker: docker.image("app:1"),
    "images": lambda docker: docker.images_labelled("image"),
    "history": lambda docker: docker.history("app:1"),
    "container": lambda docker: docker.container("db"),
    "logs": lambda docker: docker.logs("db", tail=5),
    "tag": lambda docker: docker.tag("app:1", "app:2"),
    "remove": lambda docker: docker.remove("db"),
    "start": lambda docker: docker.start("db"),
    "stop": lambda docker: docker.stop("db", grace=1),
    "run": lambda docker: docker.run_container("app:1", name="db"),
    "network": lambda docker: docker.ensure_network("dockyard"),
    "no network": lambda docker: docker.remove_network("dockyard"),
    "volume": lambda docker: docker.ensure_volume("data", kind="database"),
    "build": lambda docker: docker.build(
        Path(), BuildOptions(dockerfile=Path("Dockerfile"), tags=("app:1",)), on_line=lambda _: None
    ),
}


@pytest.mark.parametrize("call", CALLS)
def test_a_silent_engine_is_named(fake: Fake, call: str) -> None:
    """Whatever was asked: one sentence with what to do, and never an answer that is none."""
    fake.answer(err=SILENT, code=1)
    with pytest.raises(MachineError, match=r"engine does not answer.*inv setup"):
        CALLS[call](Docker())


@pytest.mark.parametrize("call", sorted(set(CALLS) - {"version", "no network"}))
def test_any_other_error_keeps_the_engines_words(fake: Fake, call: str) -> None:
    """It is not taken for an absent thing."""
    fake.answer(err=FOREVER, code=1)
    with pytest.raises(ToolFailedError, match="something else"):
        CALLS[call](Docker())


@pytest.mark.parametrize("call", ["tag", "run", "volume", "build"])
def test_a_full_disk_is_named(fake: Fake, call: str) -> None:
    """The machine lacks space: that is what there is to do something about."""
    fake.answer(err=FULL, code=1)
    with pytest.raises(MachineError, match=r"disk of the Docker engine is full.*no space left on device.*system df"):
        CALLS[call](Docker())


def test_what_is_not_there_cannot_be_removed(fake: Fake) -> None:
    """A network or volume that is in use, or absent, did not go; that is no error."""
    fake.answer("network", err="Error: network dockyard has active endpoints", code=1)
    fake.answer("volume", err="Error: no such volume", code=1)
    assert not Docker().remove_network("dockyard")
    assert not Docker().remove_volume("data")
    fake.answer("network", out="dockyard")
    fake.answer("volume", out="data")
    assert Docker().remove_network("dockyard")
    assert Docker().remove_volume("data")


def test_a_network_is_made_once(fake: Fake) -> None:
    """Its name is compared whole: the engine's filter would take a part of a name."""
    fake.answer("network", "ls", out="48eb6a372923\n")
    assert not Docker().ensure_network("dockyard")
    assert fake.call.argv == ("network", "ls", "--quiet", "--filter", "name=^dockyard$")


def test_the_engines_version_and_folder_are_read(fake: Fake) -> None:
    """Both come without their line breaks."""
    fake.answer("version", out="20.10.24+dfsg1\n")
    fake.answer("info", out="/var/lib/docker\n")
    assert Docker().version() == "20.10.24+dfsg1"
    assert Docker().data_root() == Path("/var/lib/docker")


def test_logs_have_both_streams(fake: Fake) -> None:
    """Programs write their errors to the one, their requests to the other."""
    fake.answer("logs", "--tail", "5", "db", out="out\n", err="err\n")
    assert Docker().logs("db", tail=5) == "out\nerr\n"


def test_commands_in_a_container_read_what_they_are_given(fake: Fake) -> None:
    """Without input there is none: `--interactive` is only where somebody writes, and no secret is an argument."""
    docker = Docker()
    docker.execute("db", ["psql", "-c", "SELECT 1"])
    docker.execute("db", ["psql"], stdin="ALTER USER x PASSWORD 'hunter2'")
    plain, fed = fake.calls
    assert (plain.argv, plain.stdin) == (("exec", "db", "psql", "-c", "SELECT 1"), "")
    assert (fed.argv, fed.stdin) == (("exec", "--interactive", "db", "psql"), "ALTER USER x PASSWORD 'hunter2'")


def test_a_pull_is_heard(fake: Fake) -> None:
    """Its lines are progress; its failure has the registry's words."""
    fake.answer("pull", "app:1", out="1: Pulling from library/app\nDigest: sha256:1\n")
    lines: list[str] = []
    Docker().pull("app:1", timeout=20, on_line=lines.append)
    assert lines == ["1: Pulling from library/app", "Digest: sha256:1"]
    fake.answer("pull", err="manifest unknown", code=1)
    with pytest.raises(ToolFailedError, match="manifest unknown"):
        Docker().pull("app:1", timeout=20)


def test_a_build_says_what_it_is_given(fake: Fake) -> None:
    """BuildKit, plain progress, loaded into the engine, no attestations (they would make the id a list's)."""
    options = BuildOptions(
        dockerfile=Path("f/Dockerfile"),
        tags=("app:1", "app:2"),
        arguments={"BASE_IMAGE": "python:3.13-slim"},
        labels={"k": "v"},
        secrets=("id=ca,src=/ca.pem",),
        target="final",
    )
    fake.answer("buildx", "build", err="#1 [1/2] FROM base\n#1 DONE 0.1s\n")
    lines: list[str] = []
    Docker().build(Path("context"), options, on_line=lines.append)
    assert lines == ["#1 [1/2] FROM base", "#1 DONE 0.1s"]
    argv = next(call.argv for call in fake.calls if call.argv[:2] == ("buildx", "build"))
    pairs = {f"{option} {value}" for option, value in pairwise(argv)}
    assert {
        "--build-arg BASE_IMAGE=python:3.13-slim",
        "--file f/Dockerfile",
        "--label k=v",
        "--progress plain",
        "--secret id=ca,src=/ca.pem",
        "--tag app:1",
        "--tag app:2",
        "--target final",
    } <= pairs
    assert {"--load", "--provenance=false"} < set(argv)
    assert argv[-1] == "context"


def test_a_failed_build_has_its_whole_progress(fake: Fake) -> None:
    """What failed is somewhere in it, not on its last line."""
    fake.answer(
        "buildx", "build", err="#5 [2/2] RUN make\n#5 0.3 no rule\n#5 ERROR: exit code: 2\nERROR: solve\n", code=1
    )
    options = BuildOptions(dockerfile=Path("Dockerfile"), tags=("app:1",))
    with pytest.raises(ToolFailedError) as caught:
        Docker().build(Path(), options, on_line=lambda _: None)
    assert "#5 0.3 no rule\n" in caught.value.stderr


def test_a_stream_that_is_not_read_to_its_end_hides_no_error(fake: Fake) -> None:
    """Where the engine failed, its words are the reason, not what the reader made of half an archive."""
    fake.answer("save", out="half", err="Error response from daemon: reference does not exist", code=1)
    with pytest.raises(ToolFailedError, match="reference does not exist"), Docker().saving("app:1") as saved:
        json.load(saved.stdout)  # type: ignore[arg-type] # it is a pipe


def test_a_reader_that_fails_is_heard(fake: Fake) -> None:
    """Where the engine did its part, the reader's error is the error."""
    fake.answer("save", out="no archive")
    with pytest.raises(json.JSONDecodeError), Docker().saving("app:1") as saved:
        json.load(saved.stdout)  # type: ignore[arg-type] # it is a pipe


def test_a_reader_that_fails_ends_the_engines_work(fake: Fake, monkeypatch: pytest.MonkeyPatch) -> None:
    """An archive that nobody reads any more is not written on; the reader's error is the error."""
    monkeypatch.setattr(docker, "ENDING", 0.1)
    fake.path.write_text("#!/bin/sh\necho no archive\nexec sleep 60\n", encoding="utf-8")
    savers: list[subprocess.Popen[bytes]] = []

    def fail(saver: subprocess.Popen[bytes]) -> NoReturn:
        savers.append(saver)
        raise LookupError

    with pytest.raises(LookupError), Docker().saving("app:1") as saved:
        fail(saved)
    assert savers[0].returncode == -signal.SIGTERM


def write_much(receiver: subprocess.Popen[bytes]) -> None:
    """Write more than a pipe holds."""
    assert receiver.stdin is not None
    for _ in range(10):
        receiver.stdin.write(b"x" * 100_000)


def test_a_receiver_that_fails_is_named(fake: Fake) -> None:
    """It ends while the caller still writes; its own words are the error, not the broken pipe."""
    fake.path.write_text("#!/bin/sh\necho ctr: unexpected media type >&2\nexit 1\n", encoding="utf-8")
    with pytest.raises(ToolFailedError, match="unexpected media type"), Docker().feeding("node", ["ctr"]) as receiver:
        write_much(receiver)


def test_a_receiver_that_is_interrupted_ends(fake: Fake) -> None:
    """Ctrl-C while an image is sent leaves no process behind."""
    fake.path.write_text("#!/bin/sh\nexec sleep 60\n", encoding="utf-8")
    receivers: list[subprocess.Popen[bytes]] = []

    def interrupt(receiver: subprocess.Popen[bytes]) -> NoReturn:
        receivers.append(receiver)
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt), Docker().feeding("node", ["ctr"]) as receiver:
        interrupt(receiver)
    assert receivers[0].returncode == -signal.SIGTERM


def test_what_is_fed_arrives(fake: Fake) -> None:
    """The command sees the end of its input when the block ends."""
    with Docker().feeding("node", ["ctr", "images", "import", "-"]) as receiver:
        write_much(receiver)
    assert fake.call.argv == ("exec", "--interactive", "node", "ctr", "images", "import", "-")
    assert fake.call.stdin == "x" * 1_000_000


def test_a_disk_that_fills_up_during_a_build_is_named_by_the_line_that_says_so(fake: Fake) -> None:
    """Not by BuildKit's last line, which knows an exit code alone."""
    progress = (
        "#9 [build 3/3] RUN go build",
        "#9 12.3 go: writing cache: write /root/.cache/go-build/a: no space left on device",
        '#9 ERROR: process "/bin/sh -c go build" did not complete successfully: exit code: 1',
        "ERROR: failed to solve: exit code: 1",
    )
    fake.answer(err="\n".join(progress), code=1)
    with pytest.raises(MachineError) as caught:
        CALLS["build"](Docker())
    assert caught.value.why == "go: writing cache: write /root/.cache/go-build/a: no space left on device"
