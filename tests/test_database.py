"""The development PostgreSQL."""

from __future__ import annotations

import os
import socket
import stat
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from dockyard import database
from dockyard.database import PORT_LABEL, READY, Database, Settings, State, Verb, plan_database
from dockyard.model.errors import MachineError, ToolFailedError
from dockyard.model.events import Event
from dockyard.tools.docker import KIND, QUICK, BuildOptions, ContainerFacts, Docker, ImageFacts
from dockyard.tools.process import Completed

SETTINGS = Settings()
MADE_WITH = "the container's own"
TAKEN = "driver failed programming external connectivity: Bind for 127.0.0.1:15432 failed: port is already allocated"
REFUSED = 'psql: error: connection to server at "127.0.0.1", port 5432 failed: Connection refused'


def container(
    *,
    running: bool = True,
    kind: str = "database",
    port: int = 15432,
    network: str = "dockyard",
    made_with: str = MADE_WITH,
) -> ContainerFacts:
    """Return a container of the database's name."""
    return ContainerFacts(
        name=SETTINGS.name,
        image_id="sha256:1",
        running=running,
        exit_code=0,
        labels={KIND: kind, PORT_LABEL: str(port)},
        environment={"POSTGRES_PASSWORD": made_with},
        networks={network: ""},
    )


def failed(stderr: str) -> ToolFailedError:
    """Return the engine's error."""
    return ToolFailedError(["docker", "run"], 125, stderr)


class FakeClock:
    """A clock whose sleep costs nothing."""

    def __init__(self) -> None:
        self._now = 0.0

    def now(self) -> float:
        """Return the seconds slept so far."""
        return self._now

    def sleep(self, seconds: float) -> None:
        """Move on."""
        self._now += seconds


@dataclass
class FakeEngine:
    """An engine with at most one container.

    Attributes:
        there: The container.
        fails: What the next call of that name raises.
        answers: What each question to the server gives: an error text, or "" for success; then success.
        dies: Whether the container ends as soon as it runs.
        volume: Whether the volume exists.
        calls: What was done.
        options: What the container was created with.
        env: What its env file held.
        env_mode: The access mode that the env file had.
        env_path: Where the env file was.
        statements: What the server was told.
    """

    there: ContainerFacts | None = None
    fails: dict[str, ToolFailedError] = field(default_factory=dict)
    answers: list[str] = field(default_factory=list)
    dies: bool = False
    volume: bool = False
    calls: list[str] = field(default_factory=list)
    options: dict[str, Any] = field(default_factory=dict)
    env: str = ""
    env_mode: int = 0
    env_path: Path = Path()
    statements: list[str] = field(default_factory=list)

    def image(self, reference: str) -> ImageFacts | None:
        """Return the official image: it is in this engine."""
        return ImageFacts(id="sha256:1", tags=(reference,), size=1, layers=())

    def images_named(self, references: Sequence[str]) -> tuple[ImageFacts, ...]:
        """Return the first of them."""
        return (ImageFacts(id="sha256:1", tags=(references[0],), size=1, layers=()),)

    def pull(self, reference: str, *, timeout: float, on_line: Callable[[str], None] | None = None) -> None:
        """Refuse: the image is there."""
        raise AssertionError(reference, timeout, on_line)

    def import_rootfs(self, archive: Path, reference: str, *, changes: Iterable[str] = ()) -> None:
        """Refuse: the image is there."""
        raise AssertionError(archive, reference, changes)

    def build(self, context: Path, options: BuildOptions, *, on_line: Callable[[str], None]) -> None:
        """Refuse: the image is there."""
        raise AssertionError(context, options, on_line)

    def container(self, name: str) -> ContainerFacts | None:
        """Return the container."""
        assert name == SETTINGS.name
        return self.there

    def run_container(self, image: str, *, name: str, **options: Any) -> None:  # noqa: ANN401 - the engine's own options
        """Create the container, and look at its env file while it is there."""
        self.calls.append(f"run {image}")
        (self.env_path,) = options["env_files"]
        self.env = self.env_path.read_text(encoding="utf-8")
        self.env_mode = stat.S_IMODE(self.env_path.stat().st_mode)
        self.options = options
        password = self.env.rpartition("POSTGRES_PASSWORD=")[2].strip()
        self.there = replace(container(running=not self.dies, made_with=password), name=name, labels=options["labels"])
        self._raise("run")

    def start(self, name: str) -> None:
        """Start the container."""
        self.calls.append(f"start {name}")
        self._raise("start")
        assert self.there is not None
        self.there = replace(self.there, running=not self.dies)

    def stop(self, name: str, *, grace: int) -> None:
        """Stop the container."""
        self.calls.append(f"stop {name}")
        assert grace > 0
        assert self.there is not None
        self.there = replace(self.there, running=False)

    def remove(self, name: str) -> None:
        """Remove the container."""
        self.calls.append(f"remove {name}")
        self.there = None

    def logs(self, name: str, *, tail: int) -> str:
        """Return a log."""
        return f"the last {tail} lines of {name}"

    def execute(
        self, name: str, argv: Sequence[str], *, timeout: float = QUICK, check: bool = True, stdin: str | None = None
    ) -> Completed:
        """Answer as the server would."""
        assert timeout
        assert not check
        self.statements.append(stdin or "")
        said = self.answers.pop(0) if self.answers else ""
        return Completed((name, *argv), 2 if said else 0, "", said)

    def ensure_network(self, name: str) -> bool:
        """Have the network."""
        self.calls.append(f"network {name}")
        return True

    def ensure_volume(self, name: str, *, kind: str) -> None:
        """Have the volume."""
        self.calls.append(f"volume {name} {kind}")
        self.volume = True

    def remove_volume(self, name: str) -> bool:
        """Remove the volume."""
        self.calls.append(f"remove volume {name}")
        there, self.volume = self.volume, False
        return there

    def _raise(self, name: str) -> None:
        if name in self.fails:
            raise self.fails.pop(name)


def start(engine: FakeEngine, settings: Settings = SETTINGS) -> tuple[Database, list[str]]:
    """Start the database; return it and the stages that were told."""
    events: list[Event] = []
    there = database.start(engine, events.append, ca_bundle=None, settings=settings, clock=FakeClock())
    return there, [event.stage for event in events]


@pytest.mark.parametrize(
    ("there", "verb"),
    [
        (None, Verb.CREATE),
        (container(), Verb.KEEP),
        (container(running=False), Verb.START),
        (container(port=15433), Verb.REPLACE),
        (container(network="bridge"), Verb.REPLACE),
    ],
    ids=["absent", "running", "stopped", "another port", "another network"],
)
def test_plan_does_the_least(there: ContainerFacts | None, verb: Verb) -> None:
    """What runs as it should is kept."""
    assert plan_database(SETTINGS, there).verb is verb


def test_somebody_elses_container_is_left_alone() -> None:
    """A container of that name without our label is never started, replaced or removed."""
    engine = FakeEngine(container(kind=""))
    with pytest.raises(MachineError, match="not Dockyard's"):
        start(engine)
    with pytest.raises(MachineError, match="docker rename"):
        database.stop(engine, lambda _: None, remove=True)
    assert engine.calls == []


def test_first_start_creates_everything() -> None:
    """Network, volume and container have our labels; the port is on the loopback address only."""
    engine = FakeEngine()
    there, stages = start(engine)
    assert there.started
    assert engine.calls == ["network dockyard", "volume dockyard-postgres database", "run postgres:17"]
    assert engine.options["labels"] == {KIND: "database", PORT_LABEL: "15432"}
    assert engine.options["publish"] == [("127.0.0.1:15432", 5432)]
    assert engine.options["restart"] == "no"
    assert engine.options["volumes"] == [("dockyard-postgres", "/var/lib/postgresql/data")]
    assert stages == ["Starting", "Ready"]


def test_urls_lead_to_it_from_both_sides() -> None:
    """Pods use the container's name, programs of this machine the published port."""
    there = Database(SETTINGS, "pw", started=True)
    assert there.url_in_cluster == "postgresql://todo:pw@dockyard-postgres:5432/todo"
    assert there.url_on_host == "postgresql://todo:pw@127.0.0.1:15432/todo"


def test_password_is_only_in_the_env_file() -> None:
    """It is in a file of mode 0600 that is gone afterwards, in no option, and in no repr."""
    engine = FakeEngine()
    there, _ = start(engine)
    assert len(there.password) >= 32
    assert f"POSTGRES_PASSWORD={there.password}\n" in engine.env
    assert engine.env_mode == 0o600
    assert not engine.env_path.exists()
    assert there.password not in repr(engine.options)
    assert there.password not in repr(there)


def test_env_file_goes_when_the_engine_fails() -> None:
    """A failed start leaves no password on the disk."""
    engine = FakeEngine(fails={"run": failed("no such runtime")})
    with pytest.raises(ToolFailedError):
        start(engine)
    assert engine.env
    assert not engine.env_path.exists()


def test_two_databases_have_two_passwords() -> None:
    """The password is random."""
    assert start(FakeEngine())[0].password != start(FakeEngine())[0].password


def test_a_running_one_is_only_asked() -> None:
    """Nothing is made or told; the password comes from the container."""
    engine = FakeEngine(container())
    there, stages = start(engine)
    assert (there.password, there.started) == (MADE_WITH, False)
    assert (engine.calls, stages) == ([], [])


@pytest.mark.parametrize(("minutes", "asked"), [(0.5, 1), (5, 0)])
def test_one_that_has_run_for_a_while_is_not_asked(minutes: float, asked: int) -> None:
    """It came up long ago; only one that may still be starting is waited for."""
    started = datetime(2026, 1, 1, 12, tzinfo=UTC)
    engine = FakeEngine(replace(container(), started=started))
    later = started + timedelta(minutes=minutes)
    database.start(engine, lambda _: None, ca_bundle=None, clock=FakeClock(), wall=lambda: later)
    assert len(engine.statements) == asked


def test_a_stopped_one_is_started_with_its_password() -> None:
    """Neither the container nor the password is made anew."""
    engine = FakeEngine(container(running=False))
    there, _ = start(engine)
    assert (there.password, there.started) == (MADE_WITH, True)
    assert engine.calls == ["network dockyard", "start dockyard-postgres"]


def test_another_port_replaces_the_container_and_keeps_the_password() -> None:
    """The data are in the volume, so the container can be made again."""
    engine = FakeEngine(container(port=15000))
    there, _ = start(engine)
    assert there.password == MADE_WITH
    assert engine.calls == [
        "network dockyard",
        "stop dockyard-postgres",
        "remove dockyard-postgres",
        "volume dockyard-postgres database",
        "run postgres:17",
    ]


def test_a_container_whose_network_was_made_again_is_replaced() -> None:
    """A stopped container holds on to the id of a network that is no more."""
    engine = FakeEngine(container(running=False), fails={"start": failed("network 0a1b not found")})
    there, _ = start(engine)
    assert there.password == MADE_WITH
    assert engine.calls[1] == "start dockyard-postgres"
    assert engine.calls[-1] == "run postgres:17"


def test_the_wait_ends_when_the_server_takes_the_password() -> None:
    """Data of an earlier container have that one's password, so the new one is set; by standard input, not in argv."""
    engine = FakeEngine(answers=[REFUSED, REFUSED])
    there, _ = start(engine)
    assert engine.statements == [f"""ALTER ROLE "todo" PASSWORD '{there.password}';"""] * 3


def test_a_container_that_ends_shows_its_last_lines() -> None:
    """The wait is over as soon as the container is."""
    engine = FakeEngine(dies=True, answers=[REFUSED] * 1000)
    with pytest.raises(MachineError, match=r"It ended; its last lines: the last 5 lines of dockyard-postgres"):
        start(engine)
    assert len(engine.statements) == 1


def test_a_server_that_never_answers_says_what_it_said() -> None:
    """The wait has a limit, and its error the reason."""
    engine = FakeEngine(answers=[REFUSED] * 1000)
    with pytest.raises(MachineError, match=rf"After {READY:g} s: psql.*Connection refused"):
        start(engine)


def test_a_taken_port_is_named_and_leaves_no_container() -> None:
    """The half-made container would be in the way of the next start."""
    engine = FakeEngine(fails={"run": failed(TAKEN)})
    with pytest.raises(MachineError, match=r"port 15432 .*taken.*ss -ltnp"):
        start(engine)
    assert engine.there is None


def test_a_taken_port_keeps_a_stopped_container() -> None:
    """What was there before stays: it starts once the port is free."""
    engine = FakeEngine(container(running=False), fails={"start": failed(TAKEN)})
    with pytest.raises(MachineError, match="15432"):
        start(engine)
    assert engine.there is not None


def test_other_errors_of_the_engine_stay_what_they_are() -> None:
    """Only a taken port is told as one."""
    with pytest.raises(ToolFailedError, match="permission denied"):
        start(FakeEngine(container(running=False), fails={"start": failed("permission denied")}))


def test_stop_keeps_the_data() -> None:
    """The container and its volume stay for the next start."""
    engine = FakeEngine(container(), volume=True)
    database.stop(engine, lambda _: None)
    assert (engine.calls, engine.volume) == (["stop dockyard-postgres"], True)


def test_stop_and_remove_takes_the_data_too() -> None:
    """Nothing of the database stays."""
    engine = FakeEngine(container(), volume=True)
    events: list[Event] = []
    database.stop(engine, events.append, remove=True)
    assert (engine.there, engine.volume) == (None, False)
    assert [event.stage for event in events] == ["Stopped", "Removed"]


def test_stop_of_nothing_is_silent() -> None:
    """There is nothing to tell."""
    events: list[Event] = []
    database.stop(FakeEngine(), events.append, remove=True)
    assert events == []


@pytest.mark.parametrize(
    ("there", "state"),
    [(None, State.ABSENT), (container(running=False), State.STOPPED), (container(), State.RUNNING)],
)
def test_status_is_the_containers(there: ContainerFacts | None, state: State) -> None:
    """One question to the engine."""
    assert database.status(FakeEngine(there)) is state


def free_port() -> int:
    """Return a port of 127.0.0.1 that nothing has."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@pytest.fixture
def own() -> Iterator[Settings]:
    """Return names of this test's own, and remove all that stands under them afterwards."""
    name = f"dockyard-test-{os.getpid()}"
    settings = Settings(name=name, volume=name, network=name, port=free_port())
    yield settings
    docker = Docker()
    if docker.container(name) is not None:
        docker.remove(name)
    docker.remove_volume(name)
    docker.remove_network(name)


def ask(there: Database, statement: str) -> str:
    """Return what the server says to whoever comes with the URL, from outside its container."""
    docker = Docker()
    facts = docker.container(there.settings.name)
    assert facts is not None
    url = there.url_in_cluster.replace(f"@{there.settings.name}", f"@{facts.networks[there.settings.network]}")
    argv = ["sh", "-c", 'psql --no-psqlrc --quiet --tuples-only --no-align "$(cat)" --command="$1"', "sh", statement]
    return docker.execute(there.settings.name, argv, stdin=url).stdout.strip()


@pytest.mark.parametrize("running", [True, False])
def test_a_database_that_was_made_is_found(*, running: bool) -> None:
    """Running or not, with the password that it was made with; nothing is done to it."""
    engine = FakeEngine(there=container(running=running))
    assert database.find(engine, settings=SETTINGS) == Database(SETTINGS, MADE_WITH, started=False)
    assert engine.calls == []


@pytest.mark.parametrize("there", [None, container(made_with="")], ids=["absent", "without a password"])
def test_a_database_that_cannot_be_reached_is_not_found(there: ContainerFacts | None) -> None:
    """A plan then stands without its address."""
    engine = FakeEngine(there=there)
    assert database.find(engine, settings=SETTINGS) is None
    assert engine.calls == []


@pytest.mark.docker
def test_real_database_keeps_its_data(own: Settings) -> None:
    """Rows outlive a stop, and the loss of the container with its password."""
    docker = Docker()

    def up() -> Database:
        return database.start(docker, lambda _: None, ca_bundle=None, settings=own)

    first = up()
    ask(first, "CREATE TABLE kept AS SELECT 42 AS answer")
    assert not up().started
    database.stop(docker, lambda _: None, settings=own)
    assert database.status(docker, settings=own) is State.STOPPED
    assert database.find(docker, settings=own) == replace(first, started=False)
    again = up()
    assert (again.started, again.password) == (True, first.password)
    docker.remove(own.name)
    new = up()
    assert new.password != first.password
    assert ask(new, "SELECT answer FROM kept") == "42"
    with socket.create_connection(("127.0.0.1", own.port), timeout=5):
        pass
    with pytest.raises(ToolFailedError, match="password authentication failed"):
        ask(first, "SELECT 1")


@pytest.mark.docker
def test_real_database_names_the_taken_port_and_goes_without_trace(own: Settings) -> None:
    """A listener on the port is an error with the port's number; afterwards nothing of the database is there."""
    docker = Docker()
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", own.port))
        listener.listen()
        with pytest.raises(MachineError, match=f"port {own.port} "):
            database.start(docker, lambda _: None, ca_bundle=None, settings=own)
    assert docker.container(own.name) is None
    database.start(docker, lambda _: None, ca_bundle=None, settings=own)
    database.stop(docker, lambda _: None, settings=own, remove=True)
    assert database.status(docker, settings=own) is State.ABSENT
    assert not docker.remove_volume(own.name)
