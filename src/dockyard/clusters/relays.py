"""Relays: how a machine that does not route to the node reaches ports that the node's container does not publish.

A container cannot publish another port once it runs. So each such port gets a small container beside the node, from
the node's image, which publishes the port on 127.0.0.1 and forwards connections to the node by its name
(dockyard_node/relay.py). It works without any process of Dockyard, and rollouts do not disturb it.
"""

from __future__ import annotations

import threading
from contextlib import suppress
from typing import TYPE_CHECKING

from dockyard.model.errors import ClusterError, ToolFailedError
from dockyard.tools.clock import ticks
from dockyard.tools.docker import CLUSTER, KIND

if TYPE_CHECKING:
    from collections.abc import Collection

    from dockyard.tools.clock import Clock
    from dockyard.tools.docker import ContainerFacts, Docker

LISTENS = "dockyard-relay: listening"
"""The line of output by which a relay says that it takes connections."""

START_LIMIT = 15.0
"""Seconds for a relay to start; it takes a tenth of one."""

STOP_GRACE = 2

CONFLICT = "is already in use by container"
"""How the engine refuses a container whose name is taken."""


class Relays:
    """The relays of one cluster. Safe for several threads.

    Args:
        docker: The engine.
        node: Name of the node's container.
        network: The network on which that name leads to the node.
        clock: The clock to wait by.
    """

    def __init__(self, docker: Docker, *, node: str, network: str, clock: Clock) -> None:
        self._docker, self._node, self._network, self._clock = docker, node, network, clock
        self._addresses: dict[int, str] = {}
        self._lock = threading.Lock()

    def address(self, port: int, image: str) -> str:
        """Return where a port of the node is published, by a relay that is created or started if necessary.

        Args:
            port: The node's port.
            image: Id of the node's image; a relay from another one is replaced.

        Raises:
            ClusterError: The relay does not start.
        """
        with self._lock:
            if port not in self._addresses:
                self._addresses[port] = self._ensure(port, image)
            return self._addresses[port]

    def start(self) -> None:
        """Start those that exist; one that cannot start, because its port is taken now, is removed."""
        for name in self._names():
            try:
                self._docker.start(name)
            except ToolFailedError:
                self._docker.remove(name)

    def stop(self) -> None:
        """Stop all of them."""
        self._addresses.clear()
        for name in self._names():
            self._docker.stop(name, grace=STOP_GRACE)

    def remove(self, *, keep: Collection[int] = ()) -> None:
        """Remove those of all ports but the given ones."""
        kept = {self._name(port) for port in keep}
        for name in self._names():
            if name not in kept:
                self._docker.remove(name)
        with self._lock:
            self._addresses = {port: address for port, address in self._addresses.items() if port in keep}

    def _name(self, port: int) -> str:
        return f"{self._node}-relay-{port}"

    def _names(self) -> tuple[str, ...]:
        return self._docker.containers_labelled({KIND: "relay", CLUSTER: self._node})

    def _ensure(self, port: int, image: str) -> str:
        name = self._name(port)
        relay = self._docker.container(name)
        if relay is not None and (relay.image_id != image or not self._is_started(relay)):
            self._docker.remove(name)
            relay = None
        if relay is None:
            self._create(name, port, image)
        return self._listening(name, port)

    def _is_started(self, relay: ContainerFacts) -> bool:
        if relay.running:
            return True
        try:
            self._docker.start(relay.name)
        except ToolFailedError:
            return False
        return True

    def _create(self, name: str, port: int, image: str) -> None:
        """Create a relay: under the same port of this machine if that is free, else under any."""
        try:
            self._run(name, port, image, f"127.0.0.1:{port}")
        except ToolFailedError as error:
            if CONFLICT in error.stderr:  # another process creates the same one at this moment
                return
            with suppress(ToolFailedError):  # the engine may have created it and not started it
                self._docker.remove(name)
            self._run(name, port, image, "127.0.0.1:")

    def _run(self, name: str, port: int, image: str, publish: str) -> None:
        self._docker.run_container(
            image,
            name=name,
            command=["-m", "dockyard_node.relay", self._node, str(port)],
            entrypoint="python3",
            networks=[self._network],
            labels={KIND: "relay", CLUSTER: self._node},
            publish=[(publish, port)],
            restart="no",
            read_only=True,
            tmpfs=["/var"],  # the node's image has a volume there, which a relay does not need
            user="65534:65534",
            cap_drop=["ALL"],
            security_options=["no-new-privileges"],
        )

    def _listening(self, name: str, port: int) -> str:
        """Return where a relay is published, once it listens."""
        for _ in ticks(self._clock, limit=START_LIMIT, pause=0.1):
            relay = self._docker.container(name)
            if relay is None or not relay.running or not relay.ports.get(port):
                continue
            if LISTENS in self._docker.logs(name, tail=1):
                return relay.ports[port][0]
        raise ClusterError(
            f"Port {port} of the node cannot be reached from this machine",
            why=f"The container {name}, which forwards it, does not start",
            fix=f"`docker logs {name}` says why; `docker rm --force {name}` lets the next command create it again",
        )
