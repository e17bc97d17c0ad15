"""The thin wrapper on the real engine, with names of its own that are gone afterwards."""

from __future__ import annotations

import socket
import tarfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from dockyard.clusters.embedded import published
from dockyard.images.bases import resolve
from dockyard.model.errors import ToolError, ToolFailedError
from dockyard.tools.docker import KIND, BuildOptions, Docker

pytestmark = pytest.mark.docker

NAME = "dockyard-test-docker"
FIRST, SECOND = f"{NAME}:1", f"{NAME}:2"
TEST_KIND = "test-docker"

STOPPABLE = "trap 'exit 3' TERM; echo started; echo trouble >&2; sleep 600 & wait"
"""A program that ends on SIGTERM with a code of its own."""


@pytest.fixture
def context(tmp_path: Path) -> Path:
    """Return a context with a Dockerfile that needs no base."""
    (tmp_path / "file").write_text("content", encoding="utf-8")
    (tmp_path / "Dockerfile").write_text(
        "FROM scratch\nARG WHERE\nCOPY file $WHERE\nEXPOSE 8000\nLABEL own=yes\n", encoding="utf-8"
    )
    return tmp_path


@pytest.fixture
def built(engine: Docker, context: Path) -> Iterator[list[str]]:
    """Build an image of one layer; the value is what the build said."""
    said: list[str] = []
    options = BuildOptions(
        dockerfile=context / "Dockerfile", tags=(FIRST,), arguments={"WHERE": "/here"}, labels={KIND: TEST_KIND}
    )
    engine.build(context, options, on_line=said.append)
    yield said
    engine.remove_images([FIRST, SECOND])


@pytest.fixture
def port() -> int:
    """Return a free port of this machine."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        return int(listener.getsockname()[1])


@pytest.fixture
def container(engine: Docker, port: int) -> Iterator[str]:
    """Run a container in a network of its own, from a base image that every machine has or makes."""
    base = resolve(engine, "python:3.13-slim", lambda _: None, ca_bundle=None)
    engine.ensure_network(NAME)
    engine.run_container(
        base.reference,
        name=NAME,
        command=["sh", "-c", STOPPABLE],
        envs={"ODD": "a=b c"},
        labels={KIND: TEST_KIND},
        networks=[NAME],
        publish=[(f"127.0.0.1:{port}", 8000)],
    )
    yield NAME
    engine.remove(NAME)
    engine.remove_network(NAME)


def test_free_ports_are_those_of_this_machine_alone(engine: Docker) -> None:
    """The form in which the embedded cluster asks for one is the library's and the engine's: each gets another."""
    base = resolve(engine, "python:3.13-slim", lambda _: None, ca_bundle=None)
    publish = [(published(0), port) for port in (6443, 30080)]
    engine.run_container(base.reference, name=NAME, command=["sleep", "60"], labels={KIND: TEST_KIND}, publish=publish)
    try:
        made = engine.container(NAME)
        assert made is not None
        bound = [address for port in (6443, 30080) for address in made.ports[port]]
        assert len(set(bound)) == 2
        assert all(address.startswith("127.0.0.1:") and not address.endswith(":0") for address in bound)
    finally:
        engine.remove(NAME)


def test_a_built_image_is_found(engine: Docker, built: list[str]) -> None:
    """By its name, by its id and by its kind; it has what its Dockerfile and its options say."""
    image = engine.image(FIRST)
    assert image is not None
    assert any("COPY file /here" in line for line in built)
    assert not any(line.endswith("\n") for line in built)
    assert (image.tags, image.exposed_ports, len(image.layers)) == ((FIRST,), (8000,), 1)
    assert image.labels == {"own": "yes", KIND: TEST_KIND}
    assert image.created is not None
    assert image.created.tzinfo is not None
    assert engine.image(image.id) == image
    assert engine.images_labelled(TEST_KIND) == (image,)
    assert [step.size for step in engine.history(FIRST) if step.size] == [image.size]


@pytest.mark.usefixtures("built")
def test_images_have_names(engine: Docker) -> None:
    """A second name is the same image; a name that is not there is left out; the last name takes the image with it."""
    engine.tag(FIRST, SECOND)
    first, second = engine.images_named([FIRST, f"{NAME}:none", SECOND])
    assert first == second
    assert first.tags == (FIRST, SECOND)
    engine.remove_images([FIRST])
    assert engine.image(FIRST) is None
    assert engine.image(SECOND) is not None
    engine.remove_images([SECOND])
    assert engine.image(first.id) is None


def test_a_root_file_system_is_an_image(engine: Docker, tmp_path: Path) -> None:
    """It has one layer, and the changes that Dockerfile instructions make."""
    with tarfile.open(tmp_path / "root.tar", "w") as archive:
        archive.add(__file__, "etc/file")
    try:
        engine.import_rootfs(tmp_path / "root.tar", FIRST, changes=["ENV A=b", f"LABEL {KIND}={TEST_KIND}"])
        image = engine.image(FIRST)
        assert image is not None
        assert (len(image.layers), image.labels) == (1, {KIND: TEST_KIND})
    finally:
        engine.remove_images([FIRST])


def test_what_is_not_there_is_none(engine: Docker) -> None:
    """The words by which absence is known are still the engine's."""
    assert engine.image(f"{NAME}:none") is None
    assert engine.container(f"{NAME}-none") is None


def test_what_cannot_be_had_is_an_error(engine: Docker) -> None:
    """Saving an image that is not there, and pulling one from where nobody listens."""
    with pytest.raises(ToolFailedError, match=r"does not exist|No such image"), engine.saving(f"{NAME}:none") as saved:
        tarfile.open(fileobj=saved.stdout, mode="r|").close()
    with pytest.raises(ToolError, match="refused"):
        engine.pull("127.0.0.1:9/none:1", timeout=20)


def test_the_engine_says_where_it_keeps_things(engine: Docker) -> None:
    """Its folder is a whole path."""
    assert engine.data_root().is_absolute()


def test_a_container_is_seen_through_its_life(engine: Docker, container: str, port: int) -> None:
    """It runs with what it was given, ends with its own code when it is asked to, and starts again."""
    running = engine.container(container)
    assert running is not None
    assert (running.name, running.running) == (NAME, True)
    assert running.labels[KIND] == TEST_KIND
    assert running.environment["ODD"] == "a=b c"
    assert running.ports[8000] == (f"127.0.0.1:{port}",)
    assert running.networks[NAME].count(".") == 3
    engine.stop(container, grace=10)
    stopped = engine.container(container)
    assert stopped is not None
    assert (stopped.running, stopped.exit_code, stopped.ports) == (False, 3, {})
    assert set(engine.logs(container, tail=5).splitlines()) == {"started", "trouble"}
    engine.start(container)
    again = engine.container(container)
    assert again is not None
    assert again.running
    engine.remove(container)
    assert engine.container(container) is None


def test_commands_run_inside(engine: Docker, container: str) -> None:
    """They read what they are given, as text or as a stream, and their failures are theirs."""
    assert engine.execute(container, ["sh", "-c", 'read word; echo "$word $1"', "sh", "x y"], stdin="in\n").stdout == (
        "in x y\n"
    )
    assert engine.execute(container, ["false"], check=False).returncode == 1
    with pytest.raises(ToolFailedError, match="no-such-program"):
        engine.execute(container, ["no-such-program"])
    with engine.feeding(container, ["sh", "-c", "cat >/fed"]) as receiver:
        assert receiver.stdin is not None
        receiver.stdin.write(b"\x00" * 1_000_000)
    assert engine.execute(container, ["sh", "-c", "wc -c </fed"]).stdout.strip() == "1000000"
    with (
        pytest.raises(ToolFailedError, match="trouble"),
        engine.feeding(container, ["sh", "-c", "echo trouble >&2; exit 4"]),
    ):
        pass


def test_networks_and_volumes_come_and_go(engine: Docker, container: str) -> None:
    """A network is made once and stays while somebody is in it; a volume may be made again."""
    assert not engine.ensure_network(NAME)
    assert not engine.remove_network(NAME)
    engine.remove(container)
    assert engine.remove_network(NAME)
    assert not engine.remove_network(NAME)
    assert engine.ensure_network(NAME)
    engine.ensure_volume(NAME, kind=TEST_KIND)
    engine.ensure_volume(NAME, kind=TEST_KIND)
    assert engine.remove_volume(NAME)
    assert not engine.remove_volume(NAME)
