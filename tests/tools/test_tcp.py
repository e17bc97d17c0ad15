"""Opening TCP connections to see whether somebody listens."""

from __future__ import annotations

import socket
import struct
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress

import pytest

from dockyard.tools import tcp
from dockyard.tools.tcp import connection_error

SETTLE = 0.2


@contextmanager
def serving(serve: Callable[[socket.socket], object]) -> Iterator[str]:
    """Serve one connection; the value is the address."""
    with socket.create_server(("127.0.0.1", 0)) as listener:

        def run() -> None:
            connection, _ = listener.accept()
            with connection:
                serve(connection)

        thread = threading.Thread(target=run)
        thread.start()
        yield f"127.0.0.1:{listener.getsockname()[1]}"
        thread.join()


def wait_for_the_end(connection: socket.socket) -> None:
    """Say nothing until the other side closes."""
    connection.recv(1)


def test_who_listens_accepts() -> None:
    """Nothing is sent, and without a proxy nothing is waited for."""
    with serving(wait_for_the_end) as address:
        began = time.monotonic()
        assert connection_error(address) == ""
        assert time.monotonic() - began < SETTLE


def test_nobody_listens() -> None:
    """The error has the address and the system's words."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        address = f"127.0.0.1:{listener.getsockname()[1]}"
    assert connection_error(address) == f"{address}: Connection refused"


def test_packets_that_vanish_are_waited_for_a_while(monkeypatch: pytest.MonkeyPatch) -> None:
    """The queue of the listener is full, so nobody answers."""
    monkeypatch.setattr(tcp, "TIMEOUT", 0.2)
    with socket.create_server(("127.0.0.1", 0), backlog=0) as listener, socket.socket() as first:
        first.connect(listener.getsockname())
        assert connection_error(f"127.0.0.1:{listener.getsockname()[1]}").endswith("timed out")


def reset(connection: socket.socket) -> None:
    """Break a connection off."""
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))


@pytest.mark.parametrize("serve", [socket.socket.getpeername, reset], ids=["closed", "reset"])
def test_a_proxy_with_nobody_behind_it_is_found_out(serve: Callable[[socket.socket], object]) -> None:
    """It accepts, and closes when it cannot forward."""
    with serving(serve) as address:
        assert address in connection_error(address, settle=SETTLE)


def greet(connection: socket.socket) -> None:
    """Speak first; the other side may leave without having read everything."""
    connection.sendall(b"220 ready")
    with suppress(ConnectionResetError):
        connection.recv(1)


@pytest.mark.parametrize("serve", [wait_for_the_end, greet])
def test_a_proxy_with_a_server_behind_it_keeps_the_connection(serve: Callable[[socket.socket], object]) -> None:
    """The server waits for a request, or speaks first."""
    with serving(serve) as address:
        assert connection_error(address, settle=SETTLE) == ""
