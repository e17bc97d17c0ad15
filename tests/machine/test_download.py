"""Files from the network, from a server on this machine."""

from __future__ import annotations

import errno
import hashlib
import socket
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import ClassVar

import pytest

from dockyard.machine import download
from dockyard.machine.download import Progress, UnavailableError, UnreachableError
from dockyard.model.errors import MachineError
from tests.fakes import Recorder

CONTENT = bytes(range(256)) * 9000
"""More than two pieces."""


class Server(BaseHTTPRequestHandler):
    """Serves /file whole, /torn not to its end, and nothing else."""

    asked: ClassVar[list[str]] = []

    def do_HEAD(self) -> None:
        """Send the headers."""
        self._head()

    def do_GET(self) -> None:
        """Send the headers and the file."""
        if self._head():
            self.wfile.write(CONTENT[:1000] if self.path == "/torn" else CONTENT)

    def _head(self) -> bool:
        self.asked.append(f"{self.command} {self.path}")
        there = self.path in {"/file", "/torn"}
        self.send_response(200 if there else 404)
        self.send_header("Content-Length", str(len(CONTENT) if there else 0))
        self.end_headers()
        return there

    def log_message(self, *_: object) -> None:
        """Say nothing."""


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """Return the URL of the server."""
    monkeypatch.setenv("no_proxy", "127.0.0.1")
    monkeypatch.setattr(Server, "asked", [])
    with ThreadingHTTPServer(("127.0.0.1", 0), Server) as running:
        thread = threading.Thread(target=running.serve_forever)
        thread.start()
        yield f"http://127.0.0.1:{running.server_port}"
        running.shutdown()
        thread.join()


def test_a_file_is_fetched(server: str, tmp_path: Path, recorder: Recorder) -> None:
    """The file is there, its SHA-256 is told, and so is how far it was."""
    digest = download.download(f"{server}/file", tmp_path / "file", Progress("helm", recorder))
    assert (tmp_path / "file").read_bytes() == CONTENT
    assert digest == hashlib.sha256(CONTENT).hexdigest()
    assert recorder.passing == ["1 of 2 MB", "2 of 2 MB", "2 of 2 MB"]


def test_a_file_that_is_not_there_says_nothing_of_its_host(server: str, tmp_path: Path, recorder: Recorder) -> None:
    """A host that answers may have the next file."""
    with pytest.raises(UnavailableError, match="it answered 404") as caught:
        download.download(f"{server}/none", tmp_path / "file", Progress("helm", recorder))
    assert not isinstance(caught.value, UnreachableError)
    assert not (tmp_path / "file").exists()


def test_a_torn_file_is_no_file(server: str, tmp_path: Path, recorder: Recorder) -> None:
    """A connection that ends early is told, not taken for the end of the file."""
    with pytest.raises(UnreachableError, match=f"ended after 1000 of {len(CONTENT)} bytes"):
        download.download(f"{server}/torn", tmp_path / "file", Progress("helm", recorder))


def test_a_port_without_a_server_is_unreachable(
    tmp_path: Path, recorder: Recorder, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The system's own words are the reason."""
    monkeypatch.setenv("no_proxy", "127.0.0.1")
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        url = f"http://127.0.0.1:{free.getsockname()[1]}/file"
        with pytest.raises(UnreachableError, match="Connection refused"):
            download.download(url, tmp_path / "file", Progress("helm", recorder))


def test_a_host_that_says_nothing_is_given_up_soon(
    tmp_path: Path, recorder: Recorder, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Who accepts a connection and never answers is asked with the short limit."""
    monkeypatch.setenv("no_proxy", "127.0.0.1")
    monkeypatch.setattr(download, "CONNECT", 0.05)
    with socket.create_server(("127.0.0.1", 0)) as mute:
        url = f"http://127.0.0.1:{mute.getsockname()[1]}/file"
        with pytest.raises(UnreachableError, match="timed out"):
            download.download(url, tmp_path / "file", Progress("helm", recorder))


def test_a_full_disk_is_a_full_disk(server: str, recorder: Recorder) -> None:
    """Another source would not help: it is an error at once, with what is free."""
    with pytest.raises(MachineError, match="The disk is full") as caught:
        download.download(f"{server}/file", Path("/dev/full"), Progress("helm", recorder))
    assert caught.value.what == "helm could not be fetched"


@pytest.mark.parametrize(
    ("error", "kind"),
    [
        (OSError(errno.ENOSPC, "No space left on device"), MachineError),
        (OSError(errno.EDQUOT, "Disk quota exceeded"), MachineError),
        (OSError(errno.EROFS, "Read-only file system"), MachineError),
        (ConnectionResetError(errno.ECONNRESET, "Connection reset by peer"), UnreachableError),
        (TimeoutError("timed out"), UnreachableError),
        (OSError("Not a gzipped file"), UnavailableError),
    ],
)
def test_an_error_while_copying_is_told_apart(error: OSError, kind: type[Exception], tmp_path: Path) -> None:
    """The disk is the user's to mend; a connection or a torn archive is another source's chance."""
    assert type(download.written_badly(error, "It could not be fetched", tmp_path)) is kind
