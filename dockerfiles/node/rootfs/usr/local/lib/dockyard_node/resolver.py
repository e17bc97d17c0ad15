"""Answering one DNS message: the cluster's names from the directory, the node's hosts, everything else upstream."""

from __future__ import annotations

import socket
from contextlib import closing
from dataclasses import dataclass
from ipaddress import AddressValueError, IPv4Address
from typing import TYPE_CHECKING, Protocol

from dockyard_node import wire

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from pathlib import Path

    from dockyard_node.directory import Directory

PORT = 53
UPSTREAM_WAIT = 2.0
"""Seconds for one upstream server; a stub resolver itself gives up after 5."""

PREFIX = 2
"""Bytes of the length before a message on TCP."""

UPSTREAMS = 2
"""How many of the configured upstream servers are asked, one after the other."""


class Exchange(Protocol):
    """Sends a message to a DNS server and returns what it answers.

    Raises:
        OSError: No answer came.
    """

    def __call__(self, server: str, message: bytes, *, stream: bool) -> bytes:
        """Exchange one message, over TCP where ``stream`` is set."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Resolver:
    """Answers messages.

    Attributes:
        directory: The cluster's names.
        hosts: The node's hosts file.
        resolv_conf: Names the upstream servers.
        exchange: Asks an upstream server.
        look_up: Returns the addresses that the node itself finds for a name.
        ttl: Seconds for which askers may keep what the directory says: short, since pods come and go.
    """

    directory: Directory
    hosts: Path
    resolv_conf: Path
    exchange: Exchange
    look_up: Callable[[str], tuple[str, ...]]
    ttl: int = 5

    def answer(self, message: bytes, *, stream: bool = False) -> bytes | None:
        """Return the answer to a message, or None for what deserves none.

        Args:
            message: As it came.
            stream: Whether it came over TCP: its answer then is not cut to a datagram.
        """
        try:
            query = wire.parse(message)
        except wire.MalformedError:
            return None
        limit = wire.STREAM_LIMIT if stream else query.limit
        if self.directory.owns(query.name):
            return self._of_cluster(query, limit)
        if addresses := addresses_in_hosts(_lines(self.hosts), query.name):
            return wire.reply(query, addresses, ttl=self.ttl, limit=limit)
        upstream = self._upstream(message, stream=stream)
        return wire.refuse(query, wire.SERVER_FAILURE) if upstream is None else upstream

    def _of_cluster(self, query: wire.Query, limit: int) -> bytes:
        if not self.directory.complete:  # "no such name" is kept by some askers: it is said only when it is known
            return wire.refuse(query, wire.SERVER_FAILURE)
        found = self.directory.find(query.name)
        if found is None:
            return wire.refuse(query, wire.NO_SUCH_NAME)
        addresses = found.addresses
        if found.alias:
            # The alias is followed here: stub resolvers do not follow one themselves.
            addresses = self._of_alias(found.alias)
            if not addresses:
                return wire.refuse(query, wire.SERVER_FAILURE)
        return wire.reply(query, addresses, ttl=self.ttl, limit=limit)

    def _of_alias(self, alias: str) -> tuple[str, ...]:
        if not self.directory.owns(alias):
            return self.look_up(alias)
        found = self.directory.find(alias)
        return found.addresses if found else ()

    def _upstream(self, message: bytes, *, stream: bool) -> bytes | None:
        """Ask the node's own name servers: on a Docker network that is Docker, which knows the containers' names."""
        for server in nameservers_in(_lines(self.resolv_conf))[:UPSTREAMS]:
            try:
                return self.exchange(server, message, stream=stream)
            except OSError:
                continue
        return None


def addresses_in_hosts(lines: Iterable[str], name: str) -> tuple[str, ...]:
    """Return the IPv4 addresses that a hosts file has for a name."""
    entries = (line.partition("#")[0].split() for line in lines)
    return tuple(entry[0] for entry in entries if entry and name in entry[1:] and _is_ipv4(entry[0]))


def nameservers_in(lines: Iterable[str]) -> tuple[str, ...]:
    """Return the name servers of a resolv.conf, in order."""
    entries = (line.split() for line in lines)
    return tuple(entry[1] for entry in entries if len(entry) > 1 and entry[0] == "nameserver")


def exchange(server: str, message: bytes, *, stream: bool, port: int = PORT, wait: float = UPSTREAM_WAIT) -> bytes:
    """Send a message to a DNS server and return its answer.

    Raises:
        OSError: No answer came within ``wait`` seconds.
    """
    family = socket.AF_INET6 if ":" in server else socket.AF_INET
    with closing(socket.socket(family, socket.SOCK_STREAM if stream else socket.SOCK_DGRAM)) as channel:
        channel.settimeout(wait)
        channel.connect((server, port))
        if not stream:
            channel.send(message)
            return channel.recv(wire.STREAM_LIMIT)
        channel.sendall(framed(message))
        with channel.makefile("rb") as answer:
            return read_framed(answer.read)


def look_up(name: str) -> tuple[str, ...]:
    """Return the IPv4 addresses that the node itself finds for a name; none where it finds none."""
    try:
        return tuple(socket.gethostbyname_ex(name)[2])
    except OSError:
        return ()


def framed(message: bytes) -> bytes:
    """Return a message as TCP carries it: its length before it."""
    return len(message).to_bytes(PREFIX, "big") + message


def read_framed(read: Callable[[int], bytes]) -> bytes:
    """Read one message as TCP carries it.

    Raises:
        ConnectionError: The stream ended before the message did.
    """
    prefix = read(PREFIX)
    size = int.from_bytes(prefix, "big")
    message = read(size) if len(prefix) == PREFIX else b""
    if not message or len(message) < size:
        raise ConnectionError("the stream ended within a message")
    return message


def _is_ipv4(text: str) -> bool:
    try:
        IPv4Address(text)
    except AddressValueError:
        return False
    return True


def _lines(path: Path) -> list[str]:
    """Return a file's lines: read for each question, since Docker changes it when the node joins a network."""
    try:
        return path.read_text().splitlines()
    except OSError:
        return []
