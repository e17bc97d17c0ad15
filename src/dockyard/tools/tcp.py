"""Opening TCP connections to see whether somebody listens."""

from __future__ import annotations

import socket

TIMEOUT = 3.0
"""Seconds for a connection to open; longer only where packets are dropped."""

PROXY_SETTLE = 0.25
"""Seconds for a proxy on this machine to close a connection that it accepted and could not forward."""


def connection_error(address: str, *, settle: float = 0.0) -> str:
    """Open a TCP connection; return why that failed, or an empty string.

    Args:
        address: `host:port`.
        settle: Seconds that the connection must stay open. A proxy, such as the one with which Docker publishes a port,
            accepts a connection before it opens its own, and closes it if that fails.
    """
    host, _, port = address.rpartition(":")
    try:
        with socket.create_connection((host, int(port)), TIMEOUT) as connection:
            return f"{address} closed the connection at once" if settle and _is_closed(connection, settle) else ""
    except OSError as error:
        return f"{address}: {error.strerror or error}"


def _is_closed(connection: socket.socket, within: float) -> bool:
    """Whether the other side closes a connection without sending anything."""
    connection.settimeout(within)
    try:
        return not connection.recv(1)
    except TimeoutError:
        return False
