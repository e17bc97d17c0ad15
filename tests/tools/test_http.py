"""Asking a service over HTTP."""

from __future__ import annotations

import http.server
import socket
import ssl
import subprocess
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from dockyard.tools.http import Answer, ask

ANSWERS = {
    "/health": (200, b'{"status": "ok"}'),
    "/empty": (204, b""),
    "/text": (200, "später".encode()),
    "/bytes": (200, b"\xff"),
    "/ready": (503, b"database away"),
    "/moved": (302, b""),
}
"""What the server says at each path; 404 elsewhere."""


class Handler(http.server.BaseHTTPRequestHandler):
    """Answers from the table."""

    def do_GET(self) -> None:
        """Answer."""
        status, body = ANSWERS.get(self.path, (404, b"nothing here"))
        self.send_response(status)
        if self.path == "/moved":
            self.send_header("Location", "/health")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the name is the base class's
        """Print nothing."""


@pytest.fixture(scope="module")
def server() -> Iterator[str]:
    """A server on this machine; the value is its URL."""
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler) as made:
        thread = threading.Thread(target=lambda: made.serve_forever(poll_interval=0.01))
        thread.start()
        yield f"http://127.0.0.1:{made.server_port}"
        made.shutdown()
        thread.join()


@pytest.fixture
def listener() -> Iterator[socket.socket]:
    """A socket that listens and does not answer by itself."""
    with socket.create_server(("127.0.0.1", 0)) as made:
        yield made


def url_of(listener: socket.socket) -> str:
    """Return the URL of a socket."""
    return f"http://127.0.0.1:{listener.getsockname()[1]}/"


@pytest.mark.parametrize(
    ("path", "status", "body", "ok"),
    [
        ("/health", 200, '{"status": "ok"}', True),
        ("/empty", 204, "", True),
        ("/text", 200, "später", True),
        ("/bytes", 200, "\N{REPLACEMENT CHARACTER}", True),
        ("/moved", 200, '{"status": "ok"}', True),
        ("/ready", 503, "database away", False),
        ("/nothing", 404, "nothing here", False),
    ],
)
def test_an_answer_has_status_and_body(server: str, path: str, status: int, body: str, *, ok: bool) -> None:
    """A refusal is an answer too, with its words; a redirection is followed."""
    answer = ask(server + path)
    assert (answer, answer.ok) == (Answer(server + path, status, body), ok)


@pytest.mark.parametrize(("status", "ok"), [(0, False), (199, False), (200, True), (399, True), (400, False)])
def test_ok_is_what_kubernetes_takes_for_a_passing_probe(status: int, *, ok: bool) -> None:
    """From 200 up to, not including, 400."""
    assert Answer("", status, "").ok is ok


def test_nobody_listens(listener: socket.socket) -> None:
    """That is status 0 with the reason."""
    url = url_of(listener)
    listener.close()
    answer = ask(url)
    assert (answer.status, answer.ok) == (0, False)
    assert "refused" in answer.body


def test_nobody_answers_in_time(listener: socket.socket) -> None:
    """A server that accepts and says nothing does not hold a deploy up."""
    answer = ask(url_of(listener), timeout=0.1)
    assert answer.status == 0
    assert "timed out" in answer.body


@pytest.mark.parametrize("said", [b"", b"HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nhalf", b"SSH-2.0\r\n"])
def test_a_connection_that_breaks_off_is_no_answer(listener: socket.socket, said: bytes) -> None:
    """A pod that dies while it answers, or a port of something else: status 0 and why."""

    def serve() -> None:
        connection, _ = listener.accept()
        with connection:
            connection.recv(1 << 16)
            connection.sendall(said)

    thread = threading.Thread(target=serve)
    thread.start()
    answer = ask(url_of(listener))
    thread.join()
    assert answer.status == 0
    assert answer.body


def test_proxies_are_not_asked(server: str, listener: socket.socket, monkeypatch: pytest.MonkeyPatch) -> None:
    """A proxy of the environment does not know this machine's NodePorts."""
    for name in ("http_proxy", "HTTP_PROXY", "all_proxy"):
        monkeypatch.setenv(name, url_of(listener))
    monkeypatch.delenv("no_proxy", raising=False)
    monkeypatch.delenv("NO_PROXY", raising=False)
    assert ask(f"{server}/health", timeout=1).status == 200


@pytest.mark.process
def test_a_certificate_is_not_verified(tmp_path: Path) -> None:
    """A Service of a local cluster has one for another name."""
    names = ("-keyout", "key.pem", "-out", "cert.pem", "-subj", "/CN=shop.example")
    argv = ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", *names]
    subprocess.run(argv, cwd=tmp_path, check=True, capture_output=True)  # noqa: S603 - an argv list
    tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    tls.load_cert_chain(tmp_path / "cert.pem", tmp_path / "key.pem")
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler) as made:
        made.socket = tls.wrap_socket(made.socket, server_side=True)
        thread = threading.Thread(target=lambda: made.serve_forever(poll_interval=0.01))
        thread.start()
        answer = ask(f"https://127.0.0.1:{made.server_port}/health")
        made.shutdown()
        thread.join()
    assert answer.status == 200
