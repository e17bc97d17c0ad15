"""The Docker engine, through python-on-whales.

Records are our own frozen ones, so that nothing above this module depends on the library's shapes. What the library
does not offer (a time limit, `history`, an exec that reads a stream) goes through :mod:`dockyard.tools.process`.
"""

from __future__ import annotations

import json
import re
import subprocess
import threading
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

from dockyard.model.errors import MachineError, ToolFailedError
from dockyard.tools.process import Completed, run

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence

    from python_on_whales import DockerClient

KIND = "dev.dockyard.kind"
"""The label on everything that Dockyard makes; its values are node, relay, image, standin, database, network."""

CLUSTER = "dev.dockyard.cluster"
"""The label with the node that a relay belongs to."""

FINGERPRINT = "dev.dockyard.fingerprint"
"""The label with the SHA-256 of all that an image was made from."""

QUICK = 30.0
"""Seconds for a call that only asks."""

FULL = "no space left on device"
"""What the kernel says about a full disk, and with it the engine and every program in a build."""

VERTEX = re.compile(r"#\d+ (?:\d+\.\d+ )?")
"""What BuildKit writes before a line of its progress."""

_MAKING = threading.Lock()

ENDING = 0.5
"""Seconds for a program to end that has closed its output."""


@dataclass(frozen=True, slots=True)
class ImageFacts:
    """An image in the engine.

    Attributes:
        id: `sha256:...` of its configuration.
        tags: `name:tag` references.
        size: Sum of its uncompressed layers in bytes.
        layers: Digests of its uncompressed layers, lowest first.
        labels: Its labels.
        exposed_ports: The TCP ports it exposes, ascending.
        created: When it was built, as the engine writes it.
        digests: `name@sha256:...` references, of images that came from a registry.
        by_manifest: Whether the id is of its manifest instead, which no node knows it by.
    """

    id: str
    tags: tuple[str, ...]
    size: int
    layers: tuple[str, ...]
    labels: Mapping[str, str] = field(default_factory=dict)
    exposed_ports: tuple[int, ...] = ()
    created: datetime | None = None
    digests: tuple[str, ...] = ()
    by_manifest: bool = False


@dataclass(frozen=True, slots=True)
class LayerFacts:
    """One step of an image's history.

    Attributes:
        created_by: The instruction that made it.
        size: Bytes it added.
    """

    created_by: str
    size: int


@dataclass(frozen=True, slots=True)
class ContainerFacts:
    """A container, running or not.

    Attributes:
        name: Its name.
        image_id: `sha256:...` of the image it was made from.
        running: Whether it runs.
        exit_code: What its process ended with, where it has ended.
        labels: Its labels.
        environment: Its environment; holds secrets, so it is in no repr.
        ports: TCP port of the container to the host addresses (`ip:port`) that are published for it.
        networks: Network to the container's address in it.
        started: When its process started last.
        id: What tells it from another container of that name, before it or after it.
    """

    name: str
    image_id: str
    running: bool
    exit_code: int
    labels: Mapping[str, str]
    environment: Mapping[str, str] = field(repr=False)
    ports: Mapping[int, tuple[str, ...]] = field(default_factory=dict)
    networks: Mapping[str, str] = field(default_factory=dict)
    started: datetime | None = None
    id: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class BuildOptions:
    """What a build needs beside its context.

    Attributes:
        dockerfile: The Dockerfile.
        tags: References to give the image.
        arguments: Build arguments.
        labels: Labels of the image.
        secrets: `id=...,src=...` of files that RUN steps may mount.
        target: The stage to build, or None for the last.
    """

    dockerfile: Path
    tags: tuple[str, ...]
    arguments: Mapping[str, str] = field(default_factory=dict)
    labels: Mapping[str, str] = field(default_factory=dict)
    secrets: tuple[str, ...] = ()
    target: str | None = None


class Docker:
    """The engine that the user's Docker CLI talks to (DOCKER_HOST and contexts are the CLI's own)."""

    @cached_property
    def _client(self) -> DockerClient:
        # A third of a second to import: only commands that build or change something pay it.
        from python_on_whales import DockerClient  # noqa: PLC0415

        return DockerClient()

    def version(self) -> str:
        """Return the engine's version.

        Raises:
            MachineError: The engine does not answer.
        """
        argv = ["docker", "version", "--format", "{{.Server.Version}}"]
        done = run(argv, timeout=QUICK, check=False)
        if done.returncode != 0:
            raise engine_silent(done.stderr)
        return done.stdout.strip()

    def data_root(self) -> Path:
        """Return the folder in which the engine keeps images, on the engine's machine."""
        return Path(self._ask(["info", "--format", "{{.DockerRootDir}}"]).stdout.strip())

    def image(self, reference: str) -> ImageFacts | None:
        """Return the image of that name or id, or None."""
        return next(iter(self.images_named([reference])), None)

    def images_named(self, references: Sequence[str]) -> tuple[ImageFacts, ...]:
        """Return those of the named images that are in the engine: one call, whatever their number."""
        if not references:
            return ()
        done = self._ask(["image", "inspect", *references], check=False)
        if done.returncode != 0 and "No such image" not in done.stderr:
            raise _translated(done.argv, done.returncode, done.stderr)
        return tuple(_image_facts(entry) for entry in json.loads(done.stdout or "[]"))

    def images_labelled(self, kind: str) -> tuple[ImageFacts, ...]:
        """Return every tagged image that Dockyard made as ``kind``."""
        done = self._ask(["image", "ls", "--quiet", "--filter", f"label={KIND}={kind}"])
        return self.images_named(tuple(dict.fromkeys(done.stdout.split())))

    def history(self, reference: str) -> tuple[LayerFacts, ...]:
        """Return the steps of an image, newest first."""
        done = self._ask(["history", "--no-trunc", "--human=false", "--format", "{{json .}}", reference])
        steps = (json.loads(line) for line in done.stdout.splitlines())
        return tuple(LayerFacts(step["CreatedBy"], int(step["Size"])) for step in steps)

    def build(self, context: Path, options: BuildOptions, *, on_line: Callable[[str], None]) -> None:
        """Build with BuildKit and load the image into the engine.

        Args:
            context: The build context.
            options: The rest.
            on_line: Called with each line of BuildKit's plain progress.

        Raises:
            ToolFailedError: The build failed; ``stderr`` holds the whole progress.
            MachineError: The engine does not answer, or its disk is full.
        """
        said: list[str] = []
        with self._translating(said):
            logs = self._client.buildx.build(
                context,
                file=options.dockerfile,
                tags=list(options.tags),
                build_args=dict(options.arguments),
                labels=dict(options.labels),
                secrets=list(options.secrets),
                target=options.target,
                load=True,
                provenance=False,
                progress="plain",
                stream_logs=True,
            )
            for line in cast("Iterable[str]", logs):
                said.append(line)
                on_line(line.rstrip("\n"))

    def tag(self, source: str, target: str) -> None:
        """Give an image another name."""
        with self._translating():
            self._client.image.tag(source, target)

    def pull(self, reference: str, *, timeout: float, on_line: Callable[[str], None] | None = None) -> None:
        """Pull an image from its registry.

        Raises:
            ToolError: It could not be had within ``timeout`` seconds.
        """
        run(["docker", "pull", reference], timeout=timeout, on_line=on_line)

    def import_rootfs(self, archive: Path, reference: str, *, changes: Iterable[str] = ()) -> None:
        """Make an image of one layer from a tar file; ``changes`` are Dockerfile instructions."""
        with self._translating():
            self._client.image.import_(str(archive), tag=reference, changes=list(changes))

    def remove_images(self, references: Iterable[str]) -> None:
        """Remove names of images, and the images that have no other name."""
        with self._translating():
            self._client.image.remove(list(references), force=True, prune=True)

    def container(self, name: str) -> ContainerFacts | None:
        """Return the container of that name, or None."""
        done = self._ask(["container", "inspect", name], check=False)
        if done.returncode != 0:
            if "No such container" in done.stderr:
                return None
            raise _translated(done.argv, done.returncode, done.stderr)
        return _container_facts(json.loads(done.stdout)[0])

    def containers_labelled(self, labels: Mapping[str, str]) -> tuple[str, ...]:
        """Return the names of all containers with these labels, running or not."""
        filters = [part for name, value in labels.items() for part in ("--filter", f"label={name}={value}")]
        return tuple(self._ask(["container", "ls", "--all", *filters, "--format", "{{.Names}}"]).stdout.split())

    def run_container(self, image: str, *, name: str, **options: Any) -> None:  # noqa: ANN401 - the library's own options
        """Create and start a container in the background; options are those of python-on-whales' `container.run`."""
        with self._translating():
            self._client.container.run(image, name=name, detach=True, pull="never", **options)

    def start(self, name: str) -> None:
        """Start a stopped container."""
        with self._translating():
            self._client.container.start(name)

    def stop(self, name: str, *, grace: int) -> None:
        """Stop a container: SIGTERM, then SIGKILL after ``grace`` seconds."""
        with self._translating():
            self._client.container.stop(name, time=grace)

    def remove(self, name: str) -> None:
        """Remove a container, running or not, with its anonymous volumes."""
        with self._translating():
            self._client.container.remove(name, force=True, volumes=True)

    def logs(self, name: str, *, tail: int, since: datetime | None = None) -> str:
        """Return the last lines of a container's output; all of its starts write to the same one."""
        later = ["--since", since.isoformat()] if since else []
        done = self._ask(["logs", "--tail", str(tail), *later, name])
        return done.stdout + done.stderr

    def execute(
        self, name: str, argv: Sequence[str], *, timeout: float = QUICK, check: bool = True, stdin: str | None = None
    ) -> Completed:
        """Run a command inside a container."""
        interactive = ["--interactive"] if stdin is not None else []
        return run(["docker", "exec", *interactive, name, *argv], timeout=timeout, check=check, stdin=stdin)

    @contextmanager
    def feeding(self, name: str, argv: Sequence[str]) -> Iterator[subprocess.Popen[bytes]]:
        """Run a command inside a container and give its binary standard input to the caller.

        Raises:
            ToolFailedError: The command ended with an error.
        """
        command = ["docker", "exec", "--interactive", name, *argv]
        with _piped(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as process:
            yield process

    @contextmanager
    def saving(self, reference: str) -> Iterator[subprocess.Popen[bytes]]:
        """Give the archive of an image (`docker save`) as binary standard output.

        Raises:
            ToolFailedError: The image could not be saved.
        """
        with _piped(["docker", "save", reference], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE) as process:
            yield process

    def ensure_network(self, name: str) -> bool:
        """Make a user-defined network where there is none; return whether it was made.

        The engine gives several networks one name, so two threads may not make it at the same time.
        """
        with _MAKING:
            return self._ensure_network(name)

    def _ensure_network(self, name: str) -> bool:
        if self._ask(["network", "ls", "--quiet", "--filter", f"name=^{name}$"]).stdout.strip():
            return False
        with self._translating():
            self._client.network.create(name, labels={KIND: "network"})
        return True

    def remove_network(self, name: str) -> bool:
        """Remove a network that nothing uses any more; return whether it went."""
        return self._ask(["network", "rm", name], check=False).returncode == 0

    def ensure_volume(self, name: str, *, kind: str) -> None:
        """Make a named volume where there is none."""
        self._ask(["volume", "create", "--label", f"{KIND}={kind}", name])

    def remove_volume(self, name: str) -> bool:
        """Remove a named volume; return whether it went."""
        return self._ask(["volume", "rm", name], check=False).returncode == 0

    def _ask(self, arguments: Sequence[str], *, check: bool = True) -> Completed:
        done = run(["docker", *arguments], timeout=QUICK, check=False)
        if done.returncode != 0 and (check or "Cannot connect" in done.stderr):
            raise _translated(done.argv, done.returncode, done.stderr)
        return done

    @contextmanager
    def _translating(self, said: Sequence[str] = ()) -> Iterator[None]:
        """Turn the library's error into one of ours; ``said`` is what was streamed before."""
        from python_on_whales.exceptions import DockerException  # noqa: PLC0415 - as for the client

        try:
            yield
        except DockerException as error:
            stderr = "".join(said) or error.stderr or error.stdout or ""
            raise _translated(error.docker_command, error.return_code, stderr) from None


@contextmanager
def _piped(argv: Sequence[str], *, stdin: int, stdout: int) -> Iterator[subprocess.Popen[bytes]]:
    """Run a program beside the caller; whatever happens it has ended when the block is left."""
    with subprocess.Popen(argv, stdin=stdin, stdout=stdout, stderr=subprocess.PIPE) as process:  # noqa: S603 - argv list
        try:
            yield process
            stderr = process.communicate()[1]
        except BrokenPipeError:
            stderr = process.stderr.read() if process.stderr else b""
            process.wait()
        except Exception as error:
            # Where the program failed first, its own words are the reason: what the caller read just broke off.
            if not _failed(process):
                process.terminate()
                raise
            stderr = process.stderr.read() if process.stderr else b""
            raise _translated(argv, process.returncode, stderr.decode(errors="replace")) from error
        except BaseException:
            process.terminate()
            raise
    if process.returncode != 0:
        raise _translated(argv, process.returncode, stderr.decode(errors="replace"))


def _failed(process: subprocess.Popen[bytes]) -> bool:
    """Tell whether a program ends by itself, with an error."""
    try:
        return process.wait(timeout=ENDING) != 0
    except subprocess.TimeoutExpired:
        return False


def engine_silent(stderr: str) -> MachineError:
    """Return the error for an engine that does not answer."""
    said = stderr.strip().splitlines()
    return MachineError(
        "The Docker engine does not answer",
        why=said[-1] if said else "it said nothing",
        fix="Run `./inv setup`, which installs and starts it",
    )


def _translated(argv: Sequence[str], returncode: int, stderr: str) -> ToolFailedError | MachineError:
    if "Cannot connect to the Docker daemon" in stderr:
        return engine_silent(stderr)
    if FULL in stderr:
        line = next(line for line in stderr.splitlines() if FULL in line)
        return MachineError(
            "The disk of the Docker engine is full",
            why=VERTEX.sub("", line).strip(),
            fix="Free some space (`docker system df` shows where it is), then run the same command again",
        )
    return ToolFailedError(argv, returncode, stderr)


def _image_facts(entry: Mapping[str, Any]) -> ImageFacts:
    config = entry.get("Config") or {}
    return ImageFacts(
        id=entry["Id"],
        tags=tuple(entry.get("RepoTags") or ()),
        size=entry["Size"],
        layers=tuple(entry.get("RootFS", {}).get("Layers") or ()),
        labels=config.get("Labels") or {},
        exposed_ports=tuple(sorted(_tcp(config.get("ExposedPorts") or {}))),
        created=datetime.fromisoformat(entry["Created"]) if entry.get("Created") else None,
        digests=tuple(entry.get("RepoDigests") or ()),
        by_manifest=_is_by_manifest(entry),
    )


def _is_by_manifest(entry: Mapping[str, Any]) -> bool:
    """Tell whether an image's id is the digest of its manifest, as in Docker's containerd image store.

    Source: Docker Engine API: an image of that store has the `Descriptor` that its id comes from (since 1.48), and its
    own id among its digests though no registry gave it one.
    """
    known = [(entry.get("Descriptor") or {}).get("digest", ""), *(entry.get("RepoDigests") or ())]
    return any(digest.rpartition("@")[2] == entry["Id"] for digest in known)


def _container_facts(entry: Mapping[str, Any]) -> ContainerFacts:
    network = entry["NetworkSettings"]
    return ContainerFacts(
        id=entry["Id"],
        name=entry["Name"].lstrip("/"),
        image_id=entry["Image"],
        running=entry["State"]["Running"],
        exit_code=entry["State"]["ExitCode"],
        labels=entry["Config"].get("Labels") or {},
        environment=dict(pair.partition("=")[::2] for pair in entry["Config"].get("Env") or ()),
        ports={
            port: tuple(f"{bound['HostIp']}:{bound['HostPort']}" for bound in bounds or ())
            for port, bounds in _tcp(network.get("Ports") or {}).items()
        },
        networks={name: facts.get("IPAddress", "") for name, facts in (network.get("Networks") or {}).items()},
        started=datetime.fromisoformat(entry["State"]["StartedAt"]) if entry["State"].get("StartedAt") else None,
    )


def _tcp(ports: Mapping[str, Any]) -> dict[int, Any]:
    """Return what the engine says of TCP ports, by number; it names them `8000/tcp`."""
    return {int(port.removesuffix("/tcp")): facts for port, facts in ports.items() if port.endswith("/tcp")}
