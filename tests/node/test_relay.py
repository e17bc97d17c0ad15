"""The relay in front of the node: real sockets of this machine, and its own process where signals matter."""

from __future__ import annotations

import asyncio
import os
import signal
import socket
import struct
import subprocess
import sys
from collections.abc import Awaitable, Callable
from contextlib import suppress
from pathlib import Path

import pytest

from dockyard.clusters import relays
from dockyard_node import relay

HERE = "127.0.0.1"
LIMIT = 10.0
RESET = struct.pack("ii", 1, 0)

Serve = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]
Talk = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[bytes]]


def port_of(server: asyncio.Server) -> int:
    """Return the port that a server listens on."""
    return int(server.sockets[0].getsockname()[1])


def through(serve: Serve, talk: Talk) -> bytes:
    """Return what a client got through a relay from a server."""

    async def run() -> bytes:
        async with await asyncio.start_server(serve, HERE, 0) as behind:
            return await ask(port_of(behind), talk)

    return asyncio.run(asyncio.wait_for(run(), LIMIT))


async def ask(port: int, talk: Talk) -> bytes:
    """Return what a client got through a relay to a port."""
    async with await relay.relay("localhost", port, 0, address=HERE) as front:
        reader, writer = await asyncio.open_connection(HERE, port_of(front))
        try:
            return await talk(reader, writer)
        finally:
            writer.close()
            with suppress(OSError):
                await writer.wait_closed()


async def echo_at_the_end(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Answer once the client has ended its side."""
    writer.write(b"got " + await reader.read())
    await writer.drain()
    writer.close()


async def say_and_end(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> bytes:
    """Send, end one direction, and read what comes back."""
    writer.write(b"hello")
    writer.write_eof()
    return await reader.read()


def test_the_end_of_one_direction_leaves_the_other_open() -> None:
    """A client may end its request and wait for the answer."""
    assert through(echo_at_the_end, say_and_end) == b"got hello"


def test_a_server_may_speak_first_and_the_client_later() -> None:
    """A database greets; nothing waits for a request."""

    async def greet(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"ready\n")
        writer.write(await reader.readline())
        await writer.drain()
        writer.close()

    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> bytes:
        greeting = await reader.readline()
        writer.write(b"select\n")
        return greeting + await reader.read()

    assert through(greet, talk) == b"ready\nselect\n"


def test_a_slow_reader_slows_the_sender_down() -> None:
    """What nobody has read yet stays with the sender: memory is bounded, and everything arrives."""
    size, sent = 64 * 1024 * 1024, 0

    async def flood(_reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        nonlocal sent
        while sent < size:
            writer.write(bytes(relay.CHUNK))
            await writer.drain()
            sent += relay.CHUNK
        writer.close()

    async def talk(reader: asyncio.StreamReader, _writer: asyncio.StreamWriter) -> bytes:
        before = -1
        while before != sent:
            before = sent
            await asyncio.sleep(0.2)
        assert sent < size / 2
        got = 0
        while data := await reader.read(2**20):
            got += len(data)
        return str(got).encode()

    assert through(flood, talk) == str(size).encode()


def test_nobody_behind_resets_the_connection() -> None:
    """An end without data would look like an empty answer."""

    async def talk(reader: asyncio.StreamReader, _writer: asyncio.StreamWriter) -> bytes:
        with pytest.raises(ConnectionResetError):
            await reader.read()
        return b"reset"

    with socket.create_server((HERE, 0)) as free:
        port = free.getsockname()[1]
    assert asyncio.run(asyncio.wait_for(ask(port, talk), LIMIT)) == b"reset"


def test_a_reset_is_passed_on() -> None:
    """A pod that is killed in the middle of an answer did not finish it."""

    async def break_off(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"half")
        await writer.drain()
        await reader.readline()
        writer.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, RESET)
        writer.transport.abort()

    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> bytes:
        half = await reader.read(4)
        writer.write(b"go on\n")
        with pytest.raises(ConnectionResetError):
            await reader.read()
        return half

    assert through(break_off, talk) == b"half"


def test_connections_do_not_wait_for_each_other() -> None:
    """One that is idle for long is the usual case for a browser."""

    async def talk(_reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> bytes:
        reader, other = await asyncio.open_connection(HERE, writer.get_extra_info("peername")[1])
        answer = await say_and_end(reader, other)
        other.close()
        return answer

    assert through(echo_at_the_end, talk) == b"got hello"


@pytest.mark.process
def test_it_says_that_it_listens_and_ends_when_it_is_told_to() -> None:
    """As the first process of its container: the engine waits for the end, and Dockyard for the line."""
    with socket.create_server((HERE, 0)) as free:
        port = str(free.getsockname()[1])
    folder = Path(relay.__file__).parents[1]
    command = [sys.executable, "-m", "dockyard_node.relay", "localhost", port]
    environment = {**os.environ, "PYTHONPATH": str(folder)}
    with subprocess.Popen(  # noqa: S603 - an argv list
        command, env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout is not None
        assert process.stderr is not None
        assert process.stdout.readline() == f"{relays.LISTENS} on {port}\n"
        process.send_signal(signal.SIGTERM)
        assert (process.wait(timeout=LIMIT), process.stderr.read()) == (0, "")
        assert relays.LISTENS not in process.stdout.read()
