"""The development PostgreSQL: a container beside the cluster, used where DATABASE_URL is not set.

It is on the Docker network of the cluster's node, so that pods reach it by its name, and on a port of 127.0.0.1. Its
data are in a named volume and outlive the container. Its password is random, made once, and is only in the container's
own environment: no file, no argument list and no log holds it.
"""

from __future__ import annotations

import secrets
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from typing import TYPE_CHECKING, Any, Protocol

from dockyard.images.bases import Engine as Bases
from dockyard.images.bases import resolve
from dockyard.model.errors import MachineError, ToolFailedError
from dockyard.model.events import Event
from dockyard.tools.clock import SystemClock, ticks
from dockyard.tools.docker import KIND, QUICK
from dockyard.tools.memory_file import memory_file

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

    from dockyard.model.events import Report
    from dockyard.tools.clock import Clock
    from dockyard.tools.docker import ContainerFacts
    from dockyard.tools.process import Completed

IMAGE = "postgres:17"
DATA = "/var/lib/postgresql/data"
SERVER_PORT = 5432
PORT_LABEL = "dev.dockyard.port"
"""The label with the host's port: a container that is stopped publishes none that one could ask for."""

READY = 60.0
"""Seconds in which it must accept connections; 2 where it is new, 0.5 where it has its data."""

PAUSE = 0.1
"""Seconds between two looks."""

GRACE = 20
"""Seconds from asking it to stop until it is killed."""

LAST_LINES = 5
"""Lines of its log that explain a failed start."""

SUBJECT = "database"


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """Names and places of the database.

    Attributes:
        name: The container; pods reach it under this name.
        volume: The volume with its data.
        network: The Docker network that the cluster's node is on.
        port: Its port on 127.0.0.1.
        user: Its user, who owns everything.
        database: Its database.
    """

    name: str = "dockyard-postgres"
    volume: str = "dockyard-postgres"
    network: str = "dockyard"
    port: int = 15432
    user: str = "todo"
    database: str = "todo"

    @property
    def host(self) -> str:
        """Where this machine reaches it, `address:port`."""
        return f"127.0.0.1:{self.port}"

    @property
    def host_in_cluster(self) -> str:
        """Where pods reach it, `name:port`."""
        return f"{self.name}:{SERVER_PORT}"


DEFAULT = Settings()


@dataclass(frozen=True, slots=True)
class Database:
    """The running database.

    Attributes:
        settings: Its names and places.
        password: Its password; in no repr.
        started: Whether this call started it.
    """

    settings: Settings
    password: str = field(repr=False)
    started: bool

    @property
    def host(self) -> str:
        """Where this machine reaches it, `address:port`."""
        return self.settings.host

    @property
    def host_in_cluster(self) -> str:
        """Where pods reach it, `name:port`."""
        return self.settings.host_in_cluster

    @property
    def url_on_host(self) -> str:
        """Its URL for programs of this machine; holds the password."""
        return self._url(self.host)

    @property
    def url_in_cluster(self) -> str:
        """Its URL for pods; holds the password."""
        return self._url(self.host_in_cluster)

    def _url(self, host: str) -> str:
        return f"postgresql://{self.settings.user}:{self.password}@{host}/{self.settings.database}"


class State(StrEnum):
    """How the database is."""

    ABSENT = "absent"
    STOPPED = "stopped"
    RUNNING = "running"


class Verb(StrEnum):
    """What is done to have it run."""

    KEEP = "keep"
    START = "start"
    CREATE = "create"
    REPLACE = "replace"


@dataclass(frozen=True, slots=True)
class DatabaseAction:
    """What is done to have it run, and why.

    Attributes:
        verb: What is done.
        reason: Why.
    """

    verb: Verb
    reason: str


@dataclass(frozen=True, slots=True)
class DatabaseFacts:
    """What is known of the database before it is started.

    Attributes:
        settings: Its names and places.
        container: Its container, running or not, or None.
        password: The password that it has, or will be created with; in no repr.
    """

    settings: Settings
    container: ContainerFacts | None
    password: str = field(repr=False)

    @property
    def database(self) -> Database:
        """The database, as it is or will be."""
        return Database(self.settings, self.password, started=False)


class Engine(Bases, Protocol):
    """What this module asks of the Docker engine."""

    def container(self, name: str) -> ContainerFacts | None:
        """Return a container, or None."""

    def run_container(self, image: str, *, name: str, **options: Any) -> None:  # noqa: ANN401 - the engine's own options
        """Create and start a container."""

    def start(self, name: str) -> None:
        """Start a stopped container."""

    def stop(self, name: str, *, grace: int) -> None:
        """Stop a container."""

    def remove(self, name: str) -> None:
        """Remove a container."""

    def logs(self, name: str, *, tail: int) -> str:
        """Return the last lines of a container's output."""

    def execute(
        self, name: str, argv: Sequence[str], *, timeout: float = QUICK, check: bool = True, stdin: str | None = None
    ) -> Completed:
        """Run a command inside a container."""

    def ensure_network(self, name: str) -> bool:
        """Make a network where there is none."""

    def ensure_volume(self, name: str, *, kind: str) -> None:
        """Make a volume where there is none."""

    def remove_volume(self, name: str) -> bool:
        """Remove a volume."""


def now() -> datetime:
    """Return the time of day, in UTC."""
    return datetime.now(UTC)


def plan_database(settings: Settings, there: ContainerFacts | None) -> DatabaseAction:
    """Decide what is done to have the database run.

    Raises:
        MachineError: A container of that name is somebody else's.
    """
    if there is None:
        return DatabaseAction(Verb.CREATE, "there is none")
    require_ours(there)
    if there.labels.get(PORT_LABEL) != str(settings.port):
        return DatabaseAction(Verb.REPLACE, f"its port is to be {settings.port}")
    if settings.network not in there.networks:
        return DatabaseAction(Verb.REPLACE, f"it is not on the network {settings.network}")
    return DatabaseAction(Verb.KEEP, "it runs") if there.running else DatabaseAction(Verb.START, "it is stopped")


def require_ours(there: ContainerFacts) -> None:
    """Refuse to touch a container that Dockyard did not make.

    Raises:
        MachineError: It is somebody else's.
    """
    if there.labels.get(KIND) != "database":
        raise MachineError(
            f"The container {there.name} is not Dockyard's",
            why="Its labels say nothing of Dockyard, so it is left alone",
            fix=f"Rename it: `docker rename {there.name} ...`",
        )


def observe(docker: Engine, *, settings: Settings = DEFAULT) -> DatabaseFacts:
    """Look the database up; nothing is started. Its URL is known from then on, also if it has to be created."""
    there = docker.container(settings.name)
    known = there.environment.get("POSTGRES_PASSWORD") if there is not None else None
    return DatabaseFacts(settings, there, known or secrets.token_urlsafe(24))


def start(  # noqa: PLR0913 - both clocks have a default
    docker: Engine,
    report: Report,
    *,
    ca_bundle: Path | None,
    facts: DatabaseFacts | None = None,
    settings: Settings = DEFAULT,
    clock: Clock | None = None,
    wall: Callable[[], datetime] = now,
) -> Database:
    """Have the database run, and accept connections.

    Args:
        docker: The engine.
        report: Told of what is done; of nothing where it runs.
        ca_bundle: The machine's own CA certificates, for building a fallback of its image.
        facts: What `observe` returned, if it was called before.
        settings: Names and places, if there are no facts.
        clock: The clock that the wait goes by.
        wall: The time of day, in UTC: one that has run for a while is not waited for.

    Raises:
        MachineError: The port is taken, or it does not come up.
        BuildError: Its image cannot be had.
    """
    facts = facts or observe(docker, settings=settings)
    settings, there, password = facts.settings, facts.container, facts.password
    action = plan_database(settings, there)
    if action.verb is not Verb.KEEP:
        report(Event(SUBJECT, "Starting", f"{settings.name}: {action.reason}"))
        _act(docker, report, _Order(settings, action.verb, password, ca_bundle))
    if action.verb is not Verb.KEEP or _is_young(there, wall()):
        _wait(docker, settings, password, clock or SystemClock())
    if action.verb is not Verb.KEEP:
        report(Event(SUBJECT, "Ready", f"{settings.host_in_cluster} in the cluster, {settings.host} on this machine"))
    return Database(settings, password, started=action.verb is not Verb.KEEP)


def _is_young(there: ContainerFacts | None, now: datetime) -> bool:
    """Tell whether a database may still be starting; whoever uses it later learns for itself how it is."""
    return there is None or there.started is None or now - there.started < timedelta(seconds=READY)


def find(docker: Engine, *, settings: Settings = DEFAULT) -> Database | None:
    """Return the database that was made, running or not, or None; nothing is started."""
    there = docker.container(settings.name)
    if there is None or not (password := there.environment.get("POSTGRES_PASSWORD")):
        return None
    return Database(settings, password, started=False)


def stop(docker: Engine, report: Report, *, remove: bool = False, settings: Settings = DEFAULT) -> None:
    """Stop the database; the next start finds its data unless they are removed.

    The network stays: the cluster's node is on it.

    Args:
        docker: The engine.
        report: Told of what is done.
        remove: Remove the container and its data too.
        settings: Names and places.

    Raises:
        MachineError: A container of that name is somebody else's.
    """
    there = docker.container(settings.name)
    if there is not None:
        require_ours(there)
    if there is not None and there.running:
        docker.stop(settings.name, grace=GRACE)
        report(Event(SUBJECT, "Stopped", settings.name))
    if remove:
        if there is not None:
            docker.remove(settings.name)
        if docker.remove_volume(settings.volume) or there is not None:
            report(Event(SUBJECT, "Removed", f"{settings.name} and its data"))


def status(docker: Engine, *, settings: Settings = DEFAULT) -> State:
    """Return how the database is; one that runs may still be starting."""
    there = docker.container(settings.name)
    if there is None:
        return State.ABSENT
    return State.RUNNING if there.running else State.STOPPED


@dataclass(frozen=True, slots=True)
class _Order:
    """What is to be done, with all that it takes."""

    settings: Settings
    verb: Verb
    password: str = field(repr=False)
    ca_bundle: Path | None


def _act(docker: Engine, report: Report, order: _Order) -> None:
    settings = order.settings
    docker.ensure_network(settings.network)
    try:
        if order.verb is Verb.START:
            _start(docker, report, order)
        else:
            _create(docker, report, order)
    except ToolFailedError as error:
        if "port is already allocated" not in error.stderr and "address already in use" not in error.stderr:
            raise
        if order.verb is not Verb.START:
            docker.remove(settings.name)
        raise _port_taken(settings) from error


def _start(docker: Engine, report: Report, order: _Order) -> None:
    try:
        docker.start(order.settings.name)
    except ToolFailedError as error:
        if "network" not in error.stderr or "not found" not in error.stderr:
            raise
        # A network that was removed and made again has another id, which a stopped container does not follow.
        _create(docker, report, replace(order, verb=Verb.REPLACE))


def _create(docker: Engine, report: Report, order: _Order) -> None:
    settings = order.settings
    image = resolve(docker, IMAGE, report, ca_bundle=order.ca_bundle).reference
    if order.verb is Verb.REPLACE:
        docker.stop(settings.name, grace=GRACE)
        docker.remove(settings.name)
    docker.ensure_volume(settings.volume, kind="database")
    with memory_file("dockyard-database", _environment(settings, order.password)) as env_file:
        docker.run_container(
            image,
            name=settings.name,
            env_files=[env_file],
            labels={KIND: "database", PORT_LABEL: str(settings.port)},
            networks=[settings.network],
            publish=[(settings.host, SERVER_PORT)],
            restart="no",
            volumes=[(settings.volume, DATA)],
        )


def _environment(settings: Settings, password: str) -> str:
    """Return the file that a new container's environment is read from: an argument list would show the password."""
    return f"POSTGRES_USER={settings.user}\nPOSTGRES_DB={settings.database}\nPOSTGRES_PASSWORD={password}\n"


def _wait(docker: Engine, settings: Settings, password: str, clock: Clock) -> None:
    """Wait until the server accepts connections and knows the password.

    The question that it must answer sets the password: data that an earlier container left in the volume have that
    one's. It is asked over TCP, since the original image listens on its socket alone while it sets itself up.
    """
    statement = f"""ALTER ROLE "{settings.user}" PASSWORD '{password}';"""
    names = (f"--username={settings.user}", f"--dbname={settings.database}")
    argv = ["psql", "--no-psqlrc", "--quiet", "--set=ON_ERROR_STOP=1", "--host=127.0.0.1", *names]
    said = ""
    for _ in ticks(clock, limit=READY, pause=PAUSE):
        asked = docker.execute(settings.name, argv, check=False, stdin=statement)
        if asked.returncode == 0:
            return
        said = asked.stderr.strip()
        there = docker.container(settings.name)
        if there is None or not there.running:
            raise _did_not_start(docker, settings, "It ended")
    raise _did_not_start(docker, settings, f"After {READY:g} s: {said}")


def _did_not_start(docker: Engine, settings: Settings, why: str) -> MachineError:
    lines = docker.logs(settings.name, tail=LAST_LINES).strip()
    return MachineError(
        f"The development database in the container {settings.name} did not come up",
        why=f"{why}; its last lines: {lines}",
        fix=f"`docker logs {settings.name}` has the rest; `./inv db.stop --remove` starts over, without its data",
    )


def _port_taken(settings: Settings) -> MachineError:
    return MachineError(
        f"The port {settings.port} of this machine is taken, and the development database needs it",
        fix=f"End what has it (`ss -ltnp 'sport = :{settings.port}'` names it), or set DATABASE_URL to your own server",
    )
