"""Asking a component whether it does its work."""

from __future__ import annotations

import socket
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path

import pytest

from dockyard_node import probes


class Component(BaseHTTPRequestHandler):
    """Answers /healthz with 200, everything else with 500."""

    def do_GET(self) -> None:
        """Answer."""
        self.send_response(200 if self.path == "/healthz" else 500)
        self.end_headers()

    def log_message(self, format: str, *arguments: object) -> None:  # noqa: A002 - the base's signature
        """Say nothing."""


@pytest.fixture
def component() -> Iterator[str]:
    """The address of a component."""
    with HTTPServer(("127.0.0.1", 0), Component) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        yield f"127.0.0.1:{server.server_port}"
        server.shutdown()
        thread.join()


@pytest.mark.parametrize(("path", "ready"), [("/healthz", True), ("/other", False)])
def test_only_200_counts(component: str, path: str, *, ready: bool) -> None:
    """A component that answers with an error is not ready."""
    assert probes.answers(f"http://{component}{path}") is ready


def test_a_server_that_does_not_speak_tls_is_not_ready(component: str) -> None:
    """No exception: the probe is asked again."""
    assert not probes.answers(f"https://{component}/healthz")


def test_nobody_there_is_not_ready() -> None:
    """No exception: components are probed before they listen."""
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        port = taken.getsockname()[1]
    assert not probes.answers(f"http://127.0.0.1:{port}/healthz")


def test_a_unix_socket_listens_or_does_not(tmp_path: Path) -> None:
    """A file that is left over is not a listener."""
    path = tmp_path / "socket"
    assert not probes.listens(str(path))
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(str(path))
        listener.listen()
        assert probes.listens(str(path))
    assert path.exists()
    assert not probes.listens(str(path))
