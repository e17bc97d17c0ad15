"""A TCP relay: `python3 -m dockyard_node.relay HOST PORT` listens on PORT and forwards each connection to HOST:PORT.

It runs in a container of its own beside the node, and publishes a port that the node's container does not. HOST is
resolved for each connection: a node that was created anew has another address.
"""

from __future__ import annotations

import asyncio
import signal
import socket
import struct
import sys
from contextlib import suppress

CHUNK = 65536
"""Bytes that are read at a time; asyncio buffers at most twice as many for each direction of a connection."""

CONNECT = 10.0
"""Seconds for the node to take a connection."""

SILENCE, PROBES = 60, 3
"""Seconds without data after which the other side must show that it lives, and how often it is asked."""

RESET = struct.pack("ii", 1, 0)
"""The value of SO_LINGER with which a socket is closed by a reset."""

LISTENS = "dockyard-relay: listening"


async def relay(host: str, port: int, listen: int, *, address: str = "0.0.0.0") -> asyncio.Server:  # noqa: S104 - of a container
    """Start to listen; the server that is returned runs until it is closed.

    Args:
        host: Where connections are forwarded to.
        port: The port there.
        listen: The port to listen on; 0 takes a free one.
        address: The address to listen on.
    """

    async def on_client(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await _forward(reader, writer, host, port)

    return await asyncio.start_server(on_client, address, listen)


async def _forward(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, host: str, port: int) -> None:
    """Join a client to the node until both sides have ended, or one of them broke off."""
    try:
        there, back = await asyncio.wait_for(asyncio.open_connection(host, port), CONNECT)
    except OSError:  # TimeoutError is one
        _reset(writer)
        return
    for one in (writer, back):
        _keep_alive(one)
    try:
        async with asyncio.TaskGroup() as both:
            both.create_task(_copy(reader, back))
            both.create_task(_copy(there, writer))
    except* OSError:
        _reset(writer)
        _reset(back)
    finally:
        for one in (writer, back):
            one.close()


async def _copy(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Copy one direction, and then pass its end on; the other direction may go on."""
    while data := await reader.read(CHUNK):
        writer.write(data)
        await writer.drain()
    writer.write_eof()


def _reset(writer: asyncio.StreamWriter) -> None:
    """Break a connection off so that the other side knows: a plain end would look like a complete answer."""
    with suppress(OSError):
        writer.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, RESET)
    writer.transport.abort()


def _keep_alive(writer: asyncio.StreamWriter) -> None:
    """Notice a node that is gone without a word."""
    plain = writer.get_extra_info("socket")
    plain.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
    plain.setsockopt(socket.IPPROTO_TCP, socket.TCP_KEEPIDLE, SILENCE)
    plain.setsockopt(socket.IPPROTO_TCP, socket.TCP_KEEPINTVL, SILENCE // PROBES)
    plain.setsockopt(socket.IPPROTO_TCP, socket.TCP_KEEPCNT, PROBES)


async def main(host: str, port: int) -> None:
    """Relay until SIGTERM or SIGINT: the first process of a container is not ended by them otherwise."""
    ended = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, ended.set)
    await relay(host, port, port)
    _say(f"{LISTENS} on {port}")
    await ended.wait()
    _say("dockyard-relay: ended")  # the log is one for all starts: its last line tells whether this one listens


def _say(text: str) -> None:
    print(text, flush=True)  # noqa: T201 - the container's log


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1], int(sys.argv[2])))
